//! Contracts of the ACTUS standard with every event, in the format of the standard's own tests:
//! `{case: {terms, to, dataObserved, eventsObserved, results}}`.

use chrono::NaiveDate;
use loan_engine::domain::actus::{ContractEvent, ContractTime, events};
use loan_engine::domain::decimal::to_f64;
use loan_engine::domain::error::Refusal;
use serde_json::{Value, json};

use crate::{Outcome, Outcomes, Reader};

pub const READERS: &[Reader] = &[Reader { reads, run: |file, _| run(file) }];

/// Printed values carry about ten decimals.
const TOLERANCE: f64 = 1e-8;

fn reads(path: &str) -> bool {
    path.starts_with("actus/actus-tests-") && path.ends_with(".json")
}

fn run(file: &Value) -> Outcomes {
    match file.as_object() {
        Some(cases) => cases
            .iter()
            .flat_map(|(name, case)| {
                let folded = (format!("{name} as a loan"), crate::actus_fold::outcome(case));
                [(name.clone(), outcome(case)), folded]
            })
            .collect(),
        None => vec![("file".into(), Outcome::Failed("is not an object of cases".into()))],
    }
}

fn outcome(case: &Value) -> Outcome {
    match check(case) {
        Ok(()) => Outcome::Passed,
        Err(difference) if ignores_its_base(case) => Outcome::Skipped(format!(
            "the terms say NTIED, interest on the principal at the initial exchange throughout, \
             yet every printed event is that of NT, interest on what is outstanding ({difference})"
        )),
        Err(difference) => Outcome::Failed(difference),
    }
}

/// Whether a case with the interest base NTIED prints the events of the same terms with NT.
fn ignores_its_base(case: &Value) -> bool {
    let base = "interestCalculationBase";
    if case["terms"][base] != "NTIED" {
        return false;
    }
    let mut other = case.clone();
    other["terms"][base] = json!("NT");
    check(&other).is_ok()
}

fn check(case: &Value) -> Result<(), String> {
    let observed = json!({
        "dataObserved": case["dataObserved"],
        "eventsObserved": case["eventsObserved"],
    });
    let found = events(&case["terms"], &observed, last_day(&case["to"])?)
        .map_err(|error| format!("refused: {error}. {}", error.detail().unwrap_or_default()))?;
    let expected = case["results"].as_array().ok_or("has no list of results")?;
    for (row, (found, expected)) in found.iter().zip(expected).enumerate() {
        compare(found, expected)
            .map_err(|difference| format!("event {}: {difference}", row + 1))?;
    }
    if found.len() != expected.len() {
        return Err(format!("{} events, expected {}", found.len(), expected.len()));
    }
    Ok(())
}

/// The last day of the case; blank for all of the contract.
fn last_day(to: &Value) -> Result<Option<NaiveDate>, String> {
    match to.as_str() {
        None | Some("") => Ok(None),
        Some(text) => ContractTime::parse(text).map(|time| Some(time.date())),
    }
}

fn compare(found: &ContractEvent, expected: &Value) -> Result<(), String> {
    let time = ContractTime::parse(expected["eventDate"].as_str().unwrap_or_default())?;
    let wanted = (time, expected["eventType"].as_str(), expected["currency"].as_str());
    if (found.time, Some(found.event_type.code()), Some(found.currency)) != wanted {
        return Err(format!(
            "{} {} {}, expected {} {} {}",
            found.time,
            found.event_type.code(),
            found.currency,
            wanted.0,
            wanted.1.unwrap_or("?"),
            wanted.2.unwrap_or("?"),
        ));
    }
    for (name, value) in [
        ("payoff", found.payoff),
        ("notionalPrincipal", found.notional_principal),
        ("nominalInterestRate", found.nominal_interest_rate),
        ("accruedInterest", found.accrued_interest),
    ] {
        let printed = number(&expected[name]).ok_or_else(|| format!("{name} is no number"))?;
        let tolerance = TOLERANCE * printed.abs().max(1.0);
        if (to_f64(value) - printed).abs() > tolerance {
            return Err(format!(
                "{} {}: {name} is {value}, expected {printed}",
                found.time,
                found.event_type.code(),
            ));
        }
    }
    Ok(())
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}
