"""What may be wrong with what a user brings: each a clear error with a remedy, and nothing half written.

Every row goes through the command line: exit code not 0, no traceback, the words that name the trouble, and a
workspace that holds byte for byte what it held before.
"""

import gzip
import hashlib
import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cai_core.cli import main
from cai_core.store.workspace import Workspace
from db.migrations import migrate
from tests.workspaces import GOOD


def contents(workspace: Workspace) -> str:
    """Hash of all rows of all tables, and the names of all other files."""
    digest = hashlib.sha256()
    with closing(sqlite3.connect(workspace.folder / "studio.db")) as connection:
        for line in connection.iterdump():
            digest.update(line.encode())
    names = sorted(str(p) for p in workspace.folder.rglob("*") if not p.name.startswith(("studio.db", ".")))
    return digest.hexdigest() + "|".join(names)


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """What the command says on standard error when it refuses."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as exited:
        main(argv)
    said = capsys.readouterr().err
    assert exited.value.code not in (0, None)
    assert "Traceback" not in said
    return said


def flat(text: str) -> str:
    return " ".join(text.split())


def replaced(old: str, new: str) -> bytes:
    assert old in GOOD
    return GOOD.replace(old, new).encode()


CONSTITUTIONS: dict[str, tuple[bytes, str]] = {
    "unknown key": (replaced("    title: Be kind", "    title: Be kind\n    colour: red"), "colour"),
    "unknown key at the top": (GOOD.encode() + b"colour: red\n", "colour"),
    "missing half": (replaced("    revision_request: Make it kind.\n", ""), "revision_request"),
    "no half at all": (
        replaced("    critique_request: What is unkind?\n    revision_request: Make it kind.\n", ""),
        "kind",
    ),
    "duplicate ids": (GOOD.encode() + GOOD.split("principles:\n")[1].encode(), "2 principles have this id"),
    "wrong type": (replaced("title: Be kind", "title: [1, 2]"), "title"),
    "weight of zero": (replaced("title: Be kind", "title: Be kind\n    weight: 0"), "weight"),
    "weight that is no number": (replaced("title: Be kind", "title: Be kind\n    weight: .nan"), "weight"),
    "another format": (replaced("cai-constitution/1", "cai-constitution/9"), "cai-constitution/1"),
    "no principles": (b"format: cai-constitution/1\nname: mine\nprinciples: []\n", "at least one principle"),
    "a list": (b"- 1\n", "mapping"),
    "broken YAML": (b"format: [\n", "bad.yaml"),
    "invalid UTF-8": (GOOD.encode() + b"# \xff\xfe\n", "UTF-8"),
    "NUL": (GOOD.encode() + b"# \x00\n", "bad.yaml"),
    "empty": (b"", "empty"),
    "a Python object": (b"!!python/object/apply:os.system ['true']\n", "bad.yaml"),
}


@pytest.mark.parametrize("case", CONSTITUTIONS)
def test_constitution_files(opened: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    content, words = CONSTITUTIONS[case]
    file = tmp_path / "bad.yaml"
    file.write_bytes(content)
    before = contents(opened)
    for command in (["constitution", "save", str(file)], ["constitution", "validate", str(file)]):
        said = refused(capsys, *command)
        assert words in flat(said)
        assert "bad.yaml" in said
    assert refused(capsys, "demo", "--constitution", str(file))
    assert contents(opened) == before


PROMPTS: dict[str, tuple[str, bytes, str]] = {
    "empty": ("p.jsonl", b"", "empty"),
    "invalid UTF-8": ("p.txt", b"\xff\xfe\xfd", "UTF-8"),
    "NUL": ("p.txt", b"a\x00b", "NUL"),
    "unknown columns alone": ("p.jsonl", b'{"colour": "red"}', "colour"),
    "wrong type": ("p.jsonl", b'{"prompt": 5}', "prompt is a number"),
    "no prompt": ("p.jsonl", b"{}", "a column named prompt"),
    "no user's turn": ("p.jsonl", b'{"turns": [{"role": "assistant", "content": "x"}]}', "user's"),
    "unknown role": ("p.jsonl", b'{"turns": [{"role": "tool", "content": "x"}]}', "tool"),
    "a header alone": ("p.csv", b"prompt\n", "no row"),
    "no JSON": ("p.jsonl", b'{"prompt": "x"\n', "not JSON"),
    "deep JSON": ("p.jsonl", b"[" * 100_000, "nested deeper"),
    "documents alone": ("p.jsonl", b'{"messages": [{"role": "assistant", "content": "x"}]}', "user's"),
    "truncated gzip": ("p.jsonl.gz", gzip.compress(b'{"prompt": "x"}\n' * 9)[:-9], "gzip"),
}


@pytest.mark.parametrize("case", PROMPTS)
def test_prompt_files(opened: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    name, content, words = PROMPTS[case]
    (tmp_path / name).write_bytes(content)
    before = contents(opened)
    said = refused(capsys, "import", "prompts", str(tmp_path / name), "--kind", "helpful")
    assert words in flat(said)
    assert name in said
    assert contents(opened) == before


IMPORTS: dict[str, tuple[list[str], str]] = {
    "no kind": ([], "--kind red_team, helpful, look_alike"),
    "unknown format": (["--kind", "helpful", "--format", "none"], "no format 'none'"),
    "another format": (["--kind", "helpful", "--format", "chat"], "it has no messages"),
    "unknown split": (["--kind", "helpful", "--split", "valid"], "'valid' is no split"),
    "shares above a whole": (["--kind", "helpful", "--split", "train=.8,dev=.3"], "1.1 together"),
    "a share below none": (["--kind", "helpful", "--split", "train=1.5,dev=-.5"], "'1.5' is no share"),
    "a share that is no number": (["--kind", "helpful", "--split", "train=nan"], "'nan' is no share"),
    "a split said twice": (["--kind", "helpful", "--split", "dev=.5,dev=.5"], "'dev' is said twice"),
    "an overlap above all": (["--kind", "helpful", "--near", "80"], "threshold of 80"),
}


@pytest.mark.parametrize("case", IMPORTS)
def test_prompt_imports(opened: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    more, words = IMPORTS[case]
    (tmp_path / "p.jsonl").write_text('{"prompt": "x"}\n')
    before = contents(opened)
    for dry in ([], ["--dry-run"]):
        assert words in flat(refused(capsys, "import", "prompts", str(tmp_path / "p.jsonl"), *more, *dry))
    assert contents(opened) == before


EXPORTS: dict[str, tuple[list[str], str]] = {
    "unknown set": (["p.jsonl", "--set", "none"], "Prompt sets here: sandbox"),
    "a format of pairs": (["p.jsonl", "--format", "hh-rlhf"], "prompts, prompt-only, chat"),
    "a file of no kind": (["p.txt"], "which kind of file"),
    "no folder": (["none/p.jsonl"], "cannot be written"),
}


@pytest.mark.parametrize("case", EXPORTS)
def test_prompt_exports(opened: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    (name, *more), words = EXPORTS[case]
    before = contents(opened)
    assert words in flat(refused(capsys, "export", "prompts", str(tmp_path / name), *more))
    assert contents(opened) == before
    assert [p.name for p in tmp_path.iterdir()] == ["workspace"]


PATHS: dict[str, list[str]] = {
    "a constitution that is not there": ["constitution", "save", "NONE"],
    "a folder for a constitution": ["constitution", "save", "FOLDER"],
    "prompts that are not there": ["import", "prompts", "NONE", "--kind", "helpful"],
    "a folder for prompts": ["import", "prompts", "FOLDER", "--kind", "helpful"],
    "settings that are not there": ["run", "chains", "--config", "@NONE"],
    "a folder for the report": ["demo", "--json", "FOLDER"],
    "a report in no folder": ["demo", "--json", "NONE/report.json"],
    "an export in no folder": ["export", "comparisons", "NONE/x.jsonl"],
    "a workspace that is a file": ["runs", "list", "--workspace", "FILE"],
    "a workspace that is not there": ["runs", "list", "--workspace", "NONE"],
    "a model that is not there": ["import", "model", "NONE"],
    "an empty folder for a model": ["import", "model", "FOLDER"],
    "a file for a model": ["import", "model", "FILE"],
}


@pytest.mark.parametrize("case", PATHS)
def test_paths(opened: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    places = {"NONE": tmp_path / "none", "FOLDER": tmp_path / "folder", "FILE": tmp_path / "file"}
    argv = [_filled(word, places) for word in PATHS[case]]
    before = contents(opened)
    said = flat(refused(capsys, *argv))
    assert any(str(place) in said for place in places.values())
    assert contents(opened) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder", "workspace"]


def _filled(word: str, places: dict[str, Path]) -> str:
    for name, place in places.items():
        word = word.replace(name, str(place))
    return word


RUNS: dict[str, tuple[list[str], str]] = {
    "unknown setting": (["run", "chains", "-c", "constitution=sandbox", "-c", "colour=1"], "colour"),
    "missing setting": (["run", "chains"], "constitution"),
    "wrong type": (["run", "chains", "-c", "constitution=sandbox", "-c", "rounds=many"], "rounds"),
    "out of range": (["run", "chains", "-c", "constitution=sandbox", "-c", "temperature=-1"], "temperature"),
    "broken JSON": (["run", "chains", "-c", "{"], "JSON"),
    "neither JSON nor a pair": (["run", "chains", "-c", "rounds"], "KEY=VALUE"),
    "unknown constitution": (["run", "chains", "-c", "constitution=none"], "'none'"),
    "unknown model": (["run", "chains", "-c", "constitution=sandbox", "-c", "model=none"], "'none'"),
    "a model whose folder is not there": (["run", "chains", "-c", "constitution=sandbox", "--model", "/none"], "/none"),
    "unknown parent": (["run", "sft", "--parent", "77"], "77"),
    "no parent": (["run", "sft"], "chains"),
    "negative seed": (["run", "chains", "-c", "constitution=sandbox", "--seed", "-1"], "seed"),
    "unknown stage": (["run", "dream"], "dream"),
    "unknown run": (["runs", "show", "77"], "77"),
    "nothing to resume": (["runs", "resume", "77"], "77"),
    "an export of another kind": (["export", "chains", "--run", "77"], "77"),
    "a topic that is not": (["sandbox", "prompts", "--kind", "helpful", "--topic", "none"], "none"),
}


@pytest.mark.parametrize("case", RUNS)
def test_runs_and_settings(opened: Workspace, capsys: pytest.CaptureFixture[str], case: str) -> None:
    argv, words = RUNS[case]
    before = contents(opened)
    assert words in flat(refused(capsys, *argv))
    assert contents(opened) == before


def _model(folder: Path) -> Path:
    """A folder that holds what a tiny causal model needs, though its weights are never read."""
    folder.mkdir()
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 8, "intermediate_size": 8,
        "num_hidden_layers": 1, "num_attention_heads": 1, "num_key_value_heads": 1, "vocab_size": 8,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
    (folder / "tokenizer.json").write_text("{}")
    return folder


def _no_tokenizer(folder: Path) -> None:
    (_model(folder) / "tokenizer.json").unlink()


def _pickle(folder: Path) -> None:
    (_model(folder) / "model.safetensors").rename(folder / "pytorch_model.bin")


def _no_config(folder: Path) -> None:
    (_model(folder) / "config.json").unlink()


def _broken_config(folder: Path) -> None:
    (_model(folder) / "config.json").write_text("{")


def _broken_tokenizer(folder: Path) -> None:
    (_model(folder) / "tokenizer.json").write_text("no tokenizer")


def _cut_weights(folder: Path) -> None:
    (_model(folder) / "model.safetensors").write_bytes(b"\xff" * 20)


MODELS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no tokenizer": (_no_tokenizer, "tokenizer"),
    "pickle weights": (_pickle, "pickle"),
    "no config": (_no_config, "config.json"),
    "broken config": (_broken_config, "config"),
    "broken tokenizer": (_broken_tokenizer, "cannot be loaded"),
    "cut weights": (_cut_weights, "model.safetensors"),
}


@pytest.mark.parametrize("case", MODELS)
def test_model_folders(opened: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    make, words = MODELS[case]
    make(tmp_path / "model")
    before = contents(opened)
    assert words in flat(refused(capsys, "import", "model", str(tmp_path / "model")))
    assert contents(opened) == before


ADAPTERS: dict[str, tuple[dict[str, bytes], str]] = {
    "empty": ({}, "empty"),
    "no config": ({"adapter_model.safetensors": b""}, "adapter_config.json"),
    "pickle weights": ({"adapter_config.json": b"{}", "adapter_model.bin": b""}, "pickle"),
}


@pytest.mark.parametrize("case", ADAPTERS)
def test_adapter_folders(opened: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    files, words = ADAPTERS[case]
    base, adapter = _model(tmp_path / "base"), tmp_path / "adapter"
    adapter.mkdir()
    for name, content in files.items():
        (adapter / name).write_bytes(content)
    before = contents(opened)
    assert words in flat(refused(capsys, "import", "model", str(base), "--adapter", str(adapter)))
    assert contents(opened) == before


def _tiny(folder: Path, width: int) -> Path:
    """A random model with a real tokenizer, `width` wide."""
    from transformers import LlamaConfig, LlamaForCausalLM

    from tests.cai_core.training.tiny import tiny_tokenizer

    tokenizer = tiny_tokenizer()
    sizes = {"hidden_size": width, "intermediate_size": width, "num_hidden_layers": 1, "num_attention_heads": 1}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_an_adapter_of_another_base(opened: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base, other = _tiny(tmp_path / "base", 8), _tiny(tmp_path / "other", 16)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(other), LoraConfig(target_modules=["q_proj"]))
    model.save_pretrained(tmp_path / "adapter")
    before = contents(opened)
    said = flat(refused(capsys, "import", "model", str(base), "--adapter", str(tmp_path / "adapter")))
    assert f"was trained on '{other}', not on '{base}'" in said
    assert contents(opened) == before
    assert call_ok("import", "model", str(other), "--adapter", str(tmp_path / "adapter"), "--name", "fits") == 0


def call_ok(*argv: str) -> int:
    """The exit code of a command that should be accepted."""
    with pytest.raises(SystemExit) as exited:
        main(argv)
    return int(exited.value.code or 0)


def test_a_database_of_a_newer_revision(opened: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(opened.folder / "studio.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = contents(opened)
    for argv in (["runs", "list"], ["demo"], ["app", "--port", "8999"], ["db", "upgrade"], ["doctor"]):
        capsys.readouterr()
        with pytest.raises(SystemExit) as exited:
            main(argv)
        said = capsys.readouterr()
        assert exited.value.code not in (0, None)
        assert "9999" in said.err + said.out
    assert contents(opened) == before


def test_a_workspace_in_use_by_an_older_version(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(opened)
    monkeypatch.setattr(migrate, "head", lambda: "9999")
    monkeypatch.setattr(migrate, "is_known", lambda revision: True)
    assert "in use by an older version" in flat(refused(capsys, "runs", "list"))
    assert contents(opened) == before


def test_a_port_in_use(opened: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "execve", lambda *_: pytest.fail("the server was started"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port}" in refused(capsys, "app", "--port", str(port))


def test_a_workspace_that_may_not_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if os.geteuid() == 0:
        # Root may write anywhere; a folder below a file is what even root cannot make.
        (tmp_path / "file").touch()
        folder = tmp_path / "file" / "workspace"
    else:
        (tmp_path / "closed").mkdir(mode=0o500)
        folder = tmp_path / "closed" / "workspace"
    assert str(folder) in flat(refused(capsys, "demo", "--workspace", str(folder)))


def test_a_broken_database(opened: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    opened.close()
    for file in opened.folder.glob("studio.db-*"):
        file.unlink()
    (opened.folder / "studio.db").write_bytes(b"no database " * 1000)
    assert "cannot be read as a database" in flat(refused(capsys, "runs", "list"))
    shutil.rmtree(opened.folder)
