"""One module a stage: inputs from the store, compute, store. Each has `run(job) -> result`."""
