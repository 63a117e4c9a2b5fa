"""What an analyst would write with pandas, row by row where that reads best."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pandas as pd

from benchmarks.contestants.facts import AS_OF, COLUMNS, REASONS


def run(folder: Path, out: Path) -> None:
    read = pd.read_csv(folder / "exports" / "subscriptions.csv", dtype=str, keep_default_na=False)
    read["source_row"] = range(2, len(read) + 2)
    checked = pd.DataFrame([check(row) for row in read.to_dict("records")])
    fine = checked[checked["wrong"].isna()].copy()
    first = fine.groupby("subscription_id").first()["customer_id"]
    fine["first"] = fine["subscription_id"].map(first)
    foreign = fine[fine["customer_id"] != fine["first"]].assign(wrong="customer_id:other_customer")
    kept = fine[fine["customer_id"] == fine["first"]].drop_duplicates("subscription_id")
    wrong = pd.concat([checked[checked["wrong"].notna()], foreign]).set_index("source_row")["wrong"]
    reject(read.set_index("source_row"), wrong.sort_index(), out)
    kept = kept.drop(columns=["wrong", "first"]).assign(source_file="subscriptions.csv")
    kept.to_parquet(out / "subscriptions.parquet", index=False)
    customers = customers_of(folder, kept)
    customers.to_parquet(out / "customers.parquet", index=False)
    rank(kept, customers, folder).to_parquet(out / "ranked.parquet", index=False)


def check(row: dict) -> dict:
    """Type one row, and say what is wrong with it."""
    typed = dict(row, status=row["status"].lower(), auto_renew=row["auto_renew"] == "true")
    wrong = None
    for name in ("subscription_id", "customer_id", "sku_id"):
        try:
            typed[name] = str(uuid.UUID(row[name]))
        except ValueError:
            wrong = f"{name}:not_a_guid"
    try:
        typed["seats"] = int(row["seats"])
        if typed["seats"] < 0:
            wrong = "seats:negative"
    except ValueError:
        wrong = "seats:not_a_number"
    form = "%d/%m/%Y" if "/" in row["expires_on"] else "%Y-%m-%d"
    try:
        end = row["expires_on"]
        typed["expires_on"] = pd.to_datetime(end, format=form).date() if end else None
    except ValueError:
        wrong = "expires_on:no_such_day"
    if typed["status"] not in ("active", "suspended", "deleted"):
        wrong = "status:unknown_word"
    try:
        typed["unit_price"] = float(row["unit_price"])
    except ValueError:
        wrong = "unit_price:not_a_number"
    return typed | {"wrong": wrong}


def reject(read: pd.DataFrame, wrong: pd.Series, out: Path) -> None:
    lines = []
    for number, problem in wrong.items():
        cells = {name: read.at[number, name] or None for name in COLUMNS}
        column, code = problem.split(":")
        lines.append(
            {
                "source_file": "subscriptions.csv",
                "source_row": number,
                "column": column,
                "value": cells[column],
                "reason_code": code,
                "reason": REASONS[code],
                "row": json.dumps(cells, separators=(",", ":")),
            }
        )
    pd.DataFrame(lines).to_csv(out / "rejects.csv", index=False)


def customers_of(folder: Path, kept: pd.DataFrame) -> pd.DataFrame:
    listed = pd.read_csv(folder / "exports" / "customers.csv", dtype=str)
    for name in ("customer_id", "domain", "relationship"):
        listed[name] = listed[name].str.lower()
    listed["source_row"] = range(2, len(listed) + 2)
    listed["source_file"] = "customers.csv"
    orphans = kept[~kept["customer_id"].isin(listed["customer_id"])]
    orphans = orphans.groupby("customer_id", as_index=False)["source_row"].min()
    return pd.concat([listed, orphans.assign(source_file="subscriptions.csv")])


def rank(kept: pd.DataFrame, customers: pd.DataFrame, folder: Path) -> pd.DataFrame:
    skus = set(pd.read_parquet(folder / "skus.parquet")["sku_id"])
    days = pd.read_parquet(folder / "days.parquet").set_index(["day", "same"])["last"].to_dict()
    leads = pd.read_parquet(folder / "leads.parquet").set_index("related")["lead"].to_dict()

    def slack(row: pd.Series) -> float | None:
        if row["expires_on"] is None:
            return None
        last = days.get((row["expires_on"], row["sku_id"] in skus), row["expires_on"])
        return (last - AS_OF).days

    def summed(group: pd.DataFrame) -> pd.Series:
        movable = group[group["movable"]]
        dated = group[group["real"]]
        some = dated if len(dated) else movable
        ends = [end for end in some["expires_on"] if end is not None]
        return pd.Series(
            {
                "next_expiration": min(ends) if ends else None,
                "slack": some["slack"].min(),
                "originals": len(group),
                "movable": len(movable),
                "seats": movable["seats"].sum(),
            }
        )

    kept = kept.assign(slack=kept.apply(slack, axis=1))
    kept["movable"] = (kept["channel"] != "csp_nce") & (kept["status"] != "deleted")
    rolls = (kept["term"] == "P1M") & kept["auto_renew"]
    kept["real"] = kept["movable"] & kept["expires_on"].notna() & ~rolls
    sums = kept.groupby("customer_id").apply(summed).reset_index()
    table = customers.merge(sums, on="customer_id", how="left")
    lead = (table["relationship"] == "reseller").map(leads)
    table["slack_days"] = (table["slack"] - lead).astype("Int64")
    for name in ("originals", "movable", "seats"):
        table[name] = table[name].fillna(0).astype("int64")
    table["days_to_expiration"] = (
        (pd.to_datetime(table["next_expiration"]) - pd.Timestamp(AS_OF)).dt.days
    ).astype("Int64")
    table["nothing"] = table["movable"] == 0
    by = ["nothing", "next_expiration", "slack_days", "seats", "customer_id"]
    table = table.sort_values(by, ascending=[True, True, True, False, True])
    table["rank"] = range(1, len(table) + 1)
    names = ["rank", "customer_id", "name", "market", "next_expiration", "days_to_expiration"]
    return table[[*names, "slack_days", "originals", "movable", "seats"]]
