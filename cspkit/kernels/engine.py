"""The papermill engine `cspkit`: notebooks run as ever, in kernels that start warm."""

from __future__ import annotations

from typing import Any

NAME = "cspkit"


class Engine:
    """Papermill's own engine, with warm kernels where there can be any, spoken to over files.

    It inherits nothing and imports late, because papermill loads it while it is itself loading.
    """

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **options: Any) -> Any:
        """Execute a notebook; return it with its outputs."""
        from cspkit.kernels import managing, saving, sockets, warming

        with warming.warm() as server, sockets.over_files() as config:
            # Over ports everybody on the machine could listen, and the kernel warns of it.
            options.setdefault("config", config)
            if server is not None:
                given = options.get("kernel_manager_class")
                options["kernel_manager_class"] = managing.manager(given, server)
            return saving.execute(nb, kernel_name, options)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> Any:
        """Name the kernel of a notebook."""
        from papermill.utils import nb_kernel_name

        return nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> Any:
        """Name the language of a notebook."""
        from papermill.utils import nb_language

        return nb_language(nb, language)
