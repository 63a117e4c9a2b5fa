"""How Spark writes what Ibis cannot write for it, or what it would read otherwise than DuckDB."""

from __future__ import annotations

from typing import Any

import sqlglot.expressions as sge
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.common.exceptions import UnsupportedOperationError


class Dialect(PySparkCompiler):  # type: ignore[misc]
    """Ibis' Spark SQL; each method writes the operation that it is named after."""

    __slots__ = ()

    def visit_First(
        self, op: Any, *, arg: Any, where: Any, order_by: Any, include_null: bool
    ) -> Any:
        """Take the value with the least key: Spark's own `first` has no order in a group."""
        if not order_by:
            return super().visit_First(
                op, arg=arg, where=where, order_by=order_by, include_null=include_null
            )
        there = None if include_null else arg.is_(sge.null()).not_()
        wanted = [test for test in (where, there) if test is not None]
        chosen = self.f.anon.min_by(arg, self.f.anon.struct(*map(_key, order_by)))
        if not wanted:
            return chosen
        return sge.Filter(this=chosen, expression=sge.Where(this=sge.and_(*wanted)))

    def visit_ArrayStringJoin(self, op: Any, *, arg: Any, sep: Any) -> Any:
        """Join no texts to an empty one, as DuckDB does, not to a missing one."""
        return self.f.array_join(arg, sep)

    def visit_Lowercase(self, op: Any, *, arg: Any) -> Any:
        """Lower each letter by itself: Java makes two of İ, and looks around each Σ."""
        return self.f.lower(self.f.anon.translate(arg, "İΣ", "iσ"))

    def visit_BitOr(self, op: Any, *, arg: Any, where: Any) -> Any:
        """Join bits of a group."""
        return self.agg.bit_or(arg, where=where)


def _key(ordered: sge.Ordered) -> Any:
    """Write a sort key as a value; of values Spark counts what is missing as the least."""
    if ordered.args.get("desc") or ordered.args.get("nulls_first"):
        raise UnsupportedOperationError("first: expected rising keys, what is missing last")
    missing = ordered.this.copy().is_(sge.null())
    return sge.Anonymous(this="struct", expressions=[missing, ordered.this])
