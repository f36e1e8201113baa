//! What must be found, compared as the source compares it.
//!
//! The source looks for each expected row among those of the same date, and compares how many
//! there are. Every column of a row is compared.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use loan_engine::domain::loan::servicing::{Change, Loan, LoanStatus, Transaction};
use rust_decimal::Decimal;
use serde_json::Value;

use super::charges::{basis_shown, timing_shown};
use super::control::INTERNAL;
use super::rows::{Row, fees_at_disbursement, rows};
use super::steps::Player;
use super::{UNKNOWN, journal, transactions};
use crate::schedule::{date, list, number, optional, show, text, whole};

/// What differs; nothing if all is as expected.
type Differences = Vec<String>;

/// Compares what one expectation asks for.
pub fn compare(player: &Player<'_>, step: &Value) -> Differences {
    compared(player, step).unwrap_or_else(|why| vec![why])
}

fn compared(player: &Player<'_>, step: &Value) -> Result<Differences, String> {
    let loan = player.loan.as_ref().ok_or("there is no loan")?;
    match text(step, "op")? {
        "expect_schedule" => schedule(loan, step),
        "expect_totals" => totals(loan, &step["totals"]),
        "expect_transactions" => all_transactions(loan, step),
        "expect_one_transaction" => one_transaction(loan, step),
        "expect_transaction_count" => transaction_count(loan, step),
        "expect_reverted" => reverted(loan, step),
        "expect_journal" => entries(loan, step),
        "expect_charges" => all_charges(loan, step),
        "expect_outstanding" => {
            Ok(amount("outstanding", outstanding(loan)?, number(step, "amount")?))
        }
        "expect_overpaid" => {
            let mut found = amount("overpaid", loan.overpaid(), number(step, "amount")?);
            found.extend(amount("outstanding", outstanding(loan)?, Decimal::ZERO));
            Ok(found)
        }
        "expect_overdue" => overdue(player, loan, step),
        "expect_status" => status(player, loan, step),
        "expect_closed_on" => Ok(day("closed on", loan.closed_on(), step, "date")),
        "expect_maturity_date" if step["date"].is_string() => {
            Ok(day("the last due date is", loan.maturity(), step, "date"))
        }
        "expect_charged_off" => Ok(day("charged off on", loan.charged_off_on(), step, "date")),
        "expect_all_obligations_met" => {
            let open = loan.lines().iter().find(|line| !line.is_settled());
            Ok(open
                .map(|line| format!("line {} is not settled", line.number))
                .into_iter()
                .collect())
        }
        "expect_delinquency" => delinquency(player, loan, step),
        "expect_term_variations" => variations(loan, step),
        other => Err(format!("{UNKNOWN}expectation {other}")),
    }
}

fn amount(what: &str, found: Decimal, wanted: Decimal) -> Differences {
    if found == wanted { Vec::new() } else { vec![format!("{what} is {found}, not {wanted}")] }
}

fn day(what: &str, found: Option<NaiveDate>, step: &Value, name: &str) -> Differences {
    let wanted = optional(step, name).filter(|day| !day.is_empty() && *day != "null");
    let found = found.map(|found| found.to_string());
    if found.as_deref() == wanted {
        return Vec::new();
    }
    vec![format!("{what} {found:?}, not {wanted:?}")]
}

/// What is shown in a cell, numbers without trailing zeros.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => match text.parse::<Decimal>() {
            Ok(number) => number.normalize().to_string(),
            Err(_) => text.clone(),
        },
        other => other.to_string(),
    }
}

fn cell(value: Option<Decimal>) -> String {
    value.map_or("-".into(), |number| number.normalize().to_string())
}

fn shown_day(value: Option<NaiveDate>) -> String {
    value.map_or("-".into(), |day| day.to_string())
}

/// A table's cells by column, as text.
type Cells = Vec<(&'static str, String)>;

/// Whether every column that a wanted row has is the same, but for columns left out.
fn same_row(wanted: &Value, found: &Cells) -> bool {
    found.iter().all(|(name, cell)| wanted.get(*name).is_none_or(|one| shown(one) == *cell))
}

/// A wanted row and what was found in its place, with the cells that differ marked.
fn beside(wanted: &Value, found: Option<&Cells>) -> String {
    let Some(found) = found else {
        return format!("nothing like {wanted}");
    };
    let mut text = String::new();
    for (name, cell) in found {
        let Some(one) = wanted.get(*name) else { continue };
        let one = shown(one);
        if one == *cell {
            text.push_str(&format!("{name} {cell}; "));
        } else {
            text.push_str(&format!("{name} *{cell}* not *{one}*; "));
        }
    }
    text.trim_end_matches("; ").to_owned()
}

/// The row most like a wanted one.
fn nearest<'a>(wanted: &Value, found: &[&'a Cells]) -> Option<&'a Cells> {
    found.iter().copied().max_by_key(|row| {
        row.iter()
            .filter(|(name, cell)| wanted.get(*name).is_some_and(|one| shown(one) == *cell))
            .count()
    })
}

/// Looks for wanted rows among those of their date. Where a published table has a row twice, and
/// leaves another out, one row is found for both, as the source finds it.
fn look_for(what: &str, wanted: &[Value], found: &[Cells], key: &str) -> Differences {
    let mut differences = Vec::new();
    if let Some(row) = found.first() {
        differences = unknown_columns(wanted, row);
    }
    for one in wanted {
        let of_its_date: Vec<&Cells> = found
            .iter()
            .filter(|row| row.iter().any(|(name, cell)| *name == key && shown(&one[key]) == *cell))
            .collect();
        if !of_its_date.iter().any(|row| same_row(one, row)) {
            differences.push(format!("{what} {}", beside(one, nearest(one, &of_its_date))));
        }
    }
    differences
}

/// Columns that are wanted and that nobody knows how to compare.
fn unknown_columns(wanted: &[Value], known: &Cells) -> Differences {
    let mut unknown = BTreeSet::new();
    for one in wanted.iter().filter_map(Value::as_object) {
        unknown.extend(one.keys().filter(|name| {
            !INTERNAL.contains(&name.as_str()) && !known.iter().any(|(column, _)| column == name)
        }));
    }
    unknown.into_iter().map(|name| format!("{UNKNOWN}column {name}")).collect()
}

fn row_cells(row: &Row) -> Cells {
    vec![
        ("nr", row.number.map_or("-".into(), |number| number.to_string())),
        ("days", row.days.map_or("-".into(), |days| days.to_string())),
        ("due_date", row.due_date.to_string()),
        ("paid_date", shown_day(row.paid_date)),
        ("balance", cell(Some(row.balance))),
        ("principal", cell(row.principal)),
        ("interest", cell(row.interest)),
        ("fees", cell(Some(row.fees))),
        ("penalties", cell(row.penalties)),
        ("due", cell(Some(row.due))),
        ("paid", cell(row.paid)),
        ("in_advance", cell(row.in_advance)),
        ("late", cell(row.late)),
        ("Waived", cell(row.waived)),
        ("waived", cell(row.waived)),
        ("outstanding", cell(row.outstanding)),
    ]
}

fn schedule(loan: &Loan, step: &Value) -> Result<Differences, String> {
    let found: Vec<Cells> = rows(loan)?.iter().map(row_cells).collect();
    let mut differences = look_for("row", list(step, "rows")?, &found, "due_date");
    let (count, wanted) = (loan.lines().len(), whole(step, "periods")?);
    if count != wanted {
        differences.push(format!("{count} periods, not {wanted}"));
    }
    Ok(differences)
}

fn totals(loan: &Loan, wanted: &Value) -> Result<Differences, String> {
    let rows = rows(loan)?;
    let sum = |part: fn(&Row) -> Option<Decimal>| rows.iter().filter_map(part).sum::<Decimal>();
    let of_lines = |part: fn(&Row) -> Option<Decimal>| {
        rows.iter().filter(|row| row.number.is_some()).filter_map(part).sum::<Decimal>()
    };
    let withheld = fees_at_disbursement(loan, None);
    let waived = sum(|row| row.waived);
    let found = vec![
        ("principal", cell(Some(of_lines(|row| row.principal)))),
        ("interest", cell(Some(of_lines(|row| row.interest)))),
        ("fees", cell(Some(of_lines(|row| Some(row.fees)) + withheld))),
        ("penalties", cell(Some(of_lines(|row| row.penalties)))),
        ("due", cell(Some(of_lines(|row| Some(row.due)) + withheld))),
        ("paid", cell(Some(sum(|row| row.paid)))),
        ("in_advance", cell(Some(of_lines(|row| row.in_advance)))),
        ("late", cell(Some(of_lines(|row| row.late)))),
        ("Waived", cell(Some(waived))),
        ("waived", cell(Some(waived))),
        ("outstanding", cell(Some(outstanding(loan)?))),
    ];
    let mut differences = unknown_columns(std::slice::from_ref(wanted), &found);
    if !same_row(wanted, &found) {
        differences.insert(0, beside(wanted, Some(&found)));
    }
    Ok(differences)
}

/// Everything that is owed, fees to be withheld from a disbursement included.
fn outstanding(loan: &Loan) -> Result<Decimal, String> {
    let owed = loan.outstanding().and_then(|owed| owed.total()).map_err(show)?;
    let withheld = match loan.status() {
        LoanStatus::Approved => fees_at_disbursement(loan, None),
        _ => Decimal::ZERO,
    };
    Ok(owed + withheld)
}

fn transaction_cells(one: &Transaction) -> Cells {
    vec![
        ("date", one.on.to_string()),
        ("type", transactions::name(one.kind).to_owned()),
        ("amount", cell(Some(one.amount))),
        ("principal", cell(Some(one.portions.principal))),
        ("interest", cell(Some(one.portions.interest))),
        ("fees", cell(Some(one.portions.fee))),
        ("penalties", cell(Some(one.portions.penalty))),
        ("loan_balance", cell(Some(one.balance))),
        ("Overpayment", cell(Some(one.overpaid))),
        ("reverted", transactions::is_reverted(one).to_string()),
        ("replayed", one.replaces.is_some().to_string()),
    ]
}

fn all_transactions(loan: &Loan, step: &Value) -> Result<Differences, String> {
    let wanted = list(step, "transactions")?;
    let found: Vec<Cells> = transactions::listed(loan).into_iter().map(transaction_cells).collect();
    let mut differences = look_for("transaction", wanted, &found, "date");
    if found.len() != wanted.len() {
        differences.push(format!("{} transactions, not {}", found.len(), wanted.len()));
        // What is found and looked for by nobody tells more than the count.
        for row in found.iter().filter(|row| !wanted.iter().any(|one| same_row(one, row))) {
            let cells: Vec<&str> = row.iter().map(|(_, cell)| cell.as_str()).collect();
            differences.push(format!("not wanted: {}", cells.join(" ")));
        }
    }
    Ok(differences)
}

/// Transactions of one day. The source looks for the first row alone; balances of those after it
/// were never compared and contradict their own portions: 993 is said to be left of 1000 after 5 of
/// principal were paid.
fn one_transaction(loan: &Loan, step: &Value) -> Result<Differences, String> {
    let found: Vec<Cells> = transactions::listed(loan).into_iter().map(transaction_cells).collect();
    let mut wanted = list(step, "transactions")?.to_vec();
    wanted.iter_mut().for_each(|one| one["date"] = step["date"].clone());
    for one in wanted.iter_mut().skip(1).filter_map(Value::as_object_mut) {
        one.remove("loan_balance");
    }
    Ok(look_for("transaction", &wanted, &found, "date"))
}

fn transaction_count(loan: &Loan, step: &Value) -> Result<Differences, String> {
    let kind = transactions::kind(text(step, "type")?)?;
    let found = transactions::listed(loan).iter().filter(|one| one.kind == kind).count();
    let wanted = whole(step, "count")?;
    Ok(amount("count", Decimal::from(found), Decimal::from(wanted)))
}

fn reverted(loan: &Loan, step: &Value) -> Result<Differences, String> {
    let name = text(step, "type")?;
    let listed = transactions::listed(loan);
    let (found, wanted) = match step["nth"].as_u64() {
        Some(nth) => {
            let at = usize::try_from(nth).map_err(show)?.saturating_sub(1);
            let found = listed.get(at).is_some_and(|one| {
                transactions::name(one.kind) == name && transactions::is_reverted(one)
            });
            (found, true)
        }
        None => {
            let on = date(step, "date")?;
            let found = listed.iter().any(|one| {
                one.on == on
                    && transactions::name(one.kind) == name
                    && transactions::is_reverted(one)
            });
            (found, step["value"].as_bool().unwrap_or(true))
        }
    };
    let difference = format!("{name} is reverted: {found}, not {wanted}");
    Ok(if found == wanted { Vec::new() } else { vec![difference] })
}

/// What the transactions of a kind and a day posted: one of them, or all together, all of the
/// entries wanted and no other. Where that is not so it is enough, as it is to the source, that
/// each entry wanted is among those of one of them: a table may leave out what a reversal posted.
fn entries(loan: &Loan, step: &Value) -> Result<Differences, String> {
    let kind = transactions::kind(text(step, "transaction_type")?)?;
    let on = date(step, "date")?;
    let mut wanted = Vec::new();
    for one in list(step, "entries")? {
        let side = |name: &str| match optional(one, name).unwrap_or_default() {
            "" => Ok(Decimal::ZERO),
            given => given.parse::<Decimal>().map_err(show),
        };
        let account = [text(one, "Type")?, text(one, "Account code")?, text(one, "Account name")?];
        wanted.push(format!(
            "{} {} {}",
            account.join(" "),
            side("Debit")?.normalize(),
            side("Credit")?.normalize()
        ));
    }
    wanted.sort();
    let of: Vec<Vec<journal::Entry>> = transactions::listed(loan)
        .into_iter()
        .filter(|one| one.kind == kind && one.on == on)
        .map(|one| journal::entries(loan, one))
        .collect();
    let is_wanted = |entries: &[journal::Entry]| {
        let mut posted: Vec<String> = entries.iter().map(journal::Entry::to_string).collect();
        posted.sort();
        posted == wanted
    };
    let all: Vec<journal::Entry> = of.iter().flatten().cloned().collect();
    let matches = of
        .iter()
        .chain([&all])
        .any(|entries| is_wanted(entries) || is_wanted(&journal::merged(entries)));
    let is_posted = |one: &String| {
        let is_it = |entry: &journal::Entry| entry.to_string() == *one;
        of.iter().any(|entries| entries.iter().chain(&journal::merged(entries)).any(is_it))
    };
    if matches || wanted.iter().all(is_posted) {
        return Ok(Vec::new());
    }
    let mut differences: Differences =
        wanted.into_iter().map(|one| format!("wanted: {one}")).collect();
    differences.extend(all.iter().map(|entry| format!("posted: {entry}")));
    Ok(differences)
}

fn all_charges(loan: &Loan, step: &Value) -> Result<Differences, String> {
    let mut found: Vec<Cells> = Vec::new();
    let penalties = &loan.terms().servicing.penalties;
    for one in loan.charges().iter().filter(|one| one.active) {
        // A penalty for lateness is an amount by now; what it was a fraction of is in the terms.
        let of_terms = penalties.iter().find(|terms| terms.name == one.name);
        let basis = of_terms.map_or(one.basis, |terms| terms.basis);
        found.push(vec![
            ("Name", one.name.clone()),
            ("isPenalty", one.penalty.to_string()),
            ("Payment due at", timing_shown(one.timing, one.basis).to_owned()),
            ("Due as of", shown_day(one.due_on)),
            ("Calculation type", basis_shown(basis).to_owned()),
            ("Due", cell(Some(one.amount))),
            ("Paid", cell(Some(one.paid))),
            ("Waived", cell(Some(one.waived))),
            ("Outstanding", cell(Some(one.outstanding().map_err(show)?))),
        ]);
    }
    let mut wanted = list(step, "charges")?.to_vec();
    for one in &mut wanted {
        if one["Due as of"].as_str().is_some_and(str::is_empty) {
            one["Due as of"] = Value::Null;
        }
    }
    Ok(look_for("charge", &wanted, &found, "Due as of"))
}

fn overdue(player: &Player<'_>, loan: &Loan, step: &Value) -> Result<Differences, String> {
    let found = loan.delinquency(player.today).map_err(show)?.in_arrears.total().map_err(show)?;
    Ok(amount("overdue", found, number(step, "amount")?))
}

fn delinquency(player: &Player<'_>, loan: &Loan, step: &Value) -> Result<Differences, String> {
    let found = loan.delinquency(player.today).map_err(show)?;
    let bucket = found.bucket.as_deref().unwrap_or("NO_DELINQUENCY");
    let wanted = text(step, "range")?;
    let mut differences = day("delinquent since", found.delinquent_since, step, "delinquent_date");
    if bucket != wanted {
        let days = found.delinquent_days;
        differences.push(format!("delinquency is {bucket} by {days} days, not {wanted}"));
    }
    Ok(differences)
}

fn status(player: &Player<'_>, loan: &Loan, step: &Value) -> Result<Differences, String> {
    let found = match loan.status() {
        LoanStatus::Approved if !player.approved => "SUBMITTED_AND_PENDING_APPROVAL",
        LoanStatus::Approved => "APPROVED",
        LoanStatus::Active => "ACTIVE",
        LoanStatus::Closed => "CLOSED_OBLIGATIONS_MET",
        LoanStatus::Overpaid => "OVERPAID",
        LoanStatus::WrittenOff => "CLOSED_WRITTEN_OFF",
    };
    // Some steps have the name that is shown in place of the code.
    let wanted = match text(step, "status")? {
        "Closed (obligations met)" => "CLOSED_OBLIGATIONS_MET".into(),
        other => other.to_ascii_uppercase(),
    };
    let difference = format!("status is {found}, not {wanted}");
    Ok(if found == wanted { Vec::new() } else { vec![difference] })
}

/// Pauses of interest are the only variations that sequences ask for.
fn variations(loan: &Loan, step: &Value) -> Result<Differences, String> {
    let mut found: Vec<Cells> = Vec::new();
    for one in loan.variations().iter().filter(|one| one.active) {
        let Change::InterestPause(to) = one.change else { continue };
        found.push(vec![
            ("Term Type Value", "interestPause".into()),
            ("Applicable From", one.on.to_string()),
            ("Decimal Value", "0".into()),
            ("Date Value", to.to_string()),
        ]);
    }
    let wanted = list(step, "rows")?;
    let mut differences = look_for("variation", wanted, &found, "Applicable From");
    if found.len() != wanted.len() {
        differences.push(format!("{} variations, not {}", found.len(), wanted.len()));
    }
    Ok(differences)
}
