"""`cai-studio app`: what it hands to Streamlit."""

import pytest

from cai_core.cli.serve import check_host, streamlit_command
from cai_core.errors import CAIError


def test_it_listens_here_alone_whatever_it_is_known_as() -> None:
    command = streamlit_command(8600, "cai.example.org")

    assert "--server.address=127.0.0.1" in command
    assert "--browser.serverAddress=cai.example.org" in command
    assert "--server.port=8600" in command
    assert "--browser.serverAddress=127.0.0.1" in streamlit_command(8600)


@pytest.mark.parametrize(
    "name", ["https://cai.example.org", "cai.example.org:443", "a/b", "", "*", "a b", "-x", "x" * 300]
)
def test_a_name_is_a_host_name_alone(name: str) -> None:
    check_host("cai.example.org")
    with pytest.raises(CAIError, match="no host name"):
        check_host(name)
