"""What an engineer would write with Polars for exactly these two files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from polars import col

from benchmarks.contestants.facts import AS_OF, COLUMNS, REASONS

GUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
LIVES = ["active", "suspended", "deleted"]


def run(folder: Path, out: Path) -> None:
    path = folder / "exports"
    raw = pl.scan_csv(path / "subscriptions.csv", infer_schema=False, row_index_name="row")
    raw = raw.with_columns(source_row=col("row").cast(pl.Int64) + 2).drop("row")
    read = _checked(raw)
    fine = read.filter(col("wrong").is_null()).collect(engine="streaming")
    later = _later(fine)
    kept = fine.join(later, "source_row", how="anti", maintain_order="left")
    kept = kept.select(*COLUMNS, source_file=pl.lit("subscriptions.csv"), source_row="source_row")
    kept.write_parquet(out / "subscriptions.parquet")
    _reject(raw, later, out)
    customers = _customers(path, kept)
    customers.write_parquet(out / "customers.parquet")
    _ranked(kept, customers, folder).write_parquet(out / "ranked.parquet")


def _checked(raw: pl.LazyFrame) -> pl.LazyFrame:
    day = pl.coalesce(
        col("expires_on").str.to_date("%Y-%m-%d", strict=False),
        col("expires_on").str.to_date("%d/%m/%Y", strict=False),
    )
    typed = raw.select(
        "source_row",
        "channel",
        "product",
        "term",
        "billing_cycle",
        "currency",
        col("subscription_id", "customer_id", "sku_id", "status").str.to_lowercase(),
        seats=col("seats").cast(pl.Int64, strict=False),
        expires_on=day,
        auto_renew=col("auto_renew") == "true",
        unit_price=col("unit_price").cast(pl.Decimal(18, 6), strict=False),
        impossible=col("expires_on").is_not_null() & day.is_null(),
    )
    return typed.with_columns(wrong=_wrong())


def _wrong() -> pl.Expr:
    return (
        pl.when(~col("customer_id").str.contains(GUID))
        .then(pl.lit("customer_id:not_a_guid"))
        .when(col("seats").is_null())
        .then(pl.lit("seats:not_a_number"))
        .when(col("seats") < 0)
        .then(pl.lit("seats:negative"))
        .when("impossible")
        .then(pl.lit("expires_on:no_such_day"))
        .when(~col("status").is_in(LIVES))
        .then(pl.lit("status:unknown_word"))
        .when(col("unit_price").is_null())
        .then(pl.lit("unit_price:not_a_number"))
    )


def _later(fine: pl.DataFrame) -> pl.DataFrame:
    """Find the rows behind a subscription's first; one of another customer is rejected."""
    repeated = fine.filter(col("subscription_id").is_duplicated())
    first = col("customer_id").first().over("subscription_id")
    return repeated.select(
        "source_row",
        rejected=col("customer_id") != first,
        first=col("source_row").min().over("subscription_id"),
    ).filter(col("source_row") > col("first"))


def _reject(raw: pl.LazyFrame, later: pl.DataFrame, out: Path) -> None:
    """Write the rejects; their cells are read once more, as they were."""
    foreign = later.filter("rejected").select("source_row")
    wrong = _checked(raw).select("source_row", "wrong").filter(col("wrong").is_not_null())
    codes = pl.concat(
        [
            wrong.collect(engine="streaming"),
            foreign.with_columns(wrong=pl.lit("customer_id:other_customer")),
        ]
    )
    place, code = col("wrong").str.split(":").list.get(0), col("wrong").str.split(":").list.get(1)
    value = pl.coalesce(pl.when(place == name).then(col(name)) for name in COLUMNS)
    rows = raw.join(codes.lazy(), "source_row").select(
        "source_row",
        source_file=pl.lit("subscriptions.csv"),
        column=place,
        value=value,
        reason_code=code,
        reason=code.replace_strict(REASONS),
        row=pl.struct(COLUMNS).struct.json_encode(),
    )
    names = ["source_file", "source_row", "column", "value", "reason_code", "reason", "row"]
    rows.select(names).sort("source_row").collect(engine="streaming").write_csv(out / "rejects.csv")


def _customers(path: Path, kept: pl.DataFrame) -> pl.DataFrame:
    listed = (
        pl.scan_csv(path / "customers.csv", infer_schema=False, row_index_name="row")
        .with_columns(
            col("customer_id", "domain", "relationship").str.to_lowercase(),
            source_file=pl.lit("customers.csv"),
            source_row=col("row").cast(pl.Int64) + 2,
        )
        .drop("row")
        .collect(engine="streaming")
    )
    orphans = kept.join(listed, "customer_id", how="anti").group_by("customer_id")
    found = orphans.agg(
        source_row=col("source_row").min(), source_file=pl.lit("subscriptions.csv").first()
    )
    return pl.concat([listed, found], how="diagonal")


def _ranked(kept: pl.DataFrame, customers: pl.DataFrame, folder: Path) -> pl.DataFrame:
    skus = pl.scan_parquet(folder / "skus.parquet").with_columns(same=True)
    days = pl.scan_parquet(folder / "days.parquet")
    movable = (col("channel") != "csp_nce") & (col("status") != "deleted")
    rolls = (col("term") == "P1M") & col("auto_renew")
    real = col("movable") & col("expires_on").is_not_null() & ~rolls
    judged = (
        kept.lazy()
        .join(skus, "sku_id", how="left")
        .with_columns(same=col("same").fill_null(False), movable=movable)
        .join(days, left_on=["expires_on", "same"], right_on=["day", "same"], how="left")
        .with_columns(real=real, slack=(pl.coalesce("last", "expires_on") - AS_OF).dt.total_days())
    )
    summed = judged.group_by("customer_id").agg(
        next_expiration=_either("expires_on"),
        slack=_either("slack"),
        originals=pl.len().cast(pl.Int64),
        movable=col("movable").sum().cast(pl.Int64),
        seats=col("seats").filter("movable").sum(),
    )
    leads = pl.scan_parquet(folder / "leads.parquet")
    counts = ["originals", "movable", "seats"]
    named = (
        customers.lazy()
        .join(summed, "customer_id", how="left")
        .with_columns(related=(col("relationship") == "reseller").fill_null(False))
        .join(leads, "related")
        .with_columns(
            col(counts).fill_null(0),
            days_to_expiration=(col("next_expiration") - AS_OF).dt.total_days(),
            slack_days=col("slack") - col("lead"),
            nothing=col("movable").fill_null(0) == 0,
        )
    )
    by = ["nothing", "next_expiration", "slack_days", "seats", "customer_id"]
    table = named.sort(by, descending=[False, False, False, True, False], nulls_last=True)
    table = table.with_row_index("rank", 1).with_columns(col("rank").cast(pl.Int64))
    kept_columns = ["rank", "customer_id", "name", "market", "next_expiration"]
    kept_columns += ["days_to_expiration", "slack_days", *counts]
    return table.select(kept_columns).collect(engine="streaming")


def _either(name: str) -> pl.Expr:
    return pl.coalesce(col(name).filter("real").min(), col(name).filter("movable").min())
