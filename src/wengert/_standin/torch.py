"""Found as `torch` by a worker process that inherited sys.path from a process where compat.install() was called."""

if __name__ == "torch":  # and not where a tool walks through the files of the package
    from wengert.compat import install

    install()
