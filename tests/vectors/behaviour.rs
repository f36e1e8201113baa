//! How people behave with money: pay cycles.

use std::path::Path;

use chrono::NaiveDate;
use loan_engine::domain::behaviour::pay_cycle::{Gaps, Paid, PayCycles, Prior};
use loan_engine::domain::calendar::BusinessCalendar;
use loan_engine::domain::calendar::civil::day_number;
use serde_json::Value;

use crate::{Outcome, Outcomes, Reader};

pub const READERS: &[Reader] =
    &[Reader { reads: |name| name == "risk/21_pay_frequency.json", run: pay_cycles }];

fn pay_cycles(file: &Value, _: &Path) -> Outcomes {
    let cases = file["cases"].as_array().cloned().unwrap_or_default();
    cases.iter().map(|case| (case["id"].as_str().unwrap_or("?").to_owned(), run(case))).collect()
}

/// The kind is ours to tell, and the median and the median deviation of the gaps; the other figures of
/// a case describe its days, and are looked at so that these are known to be read as they were meant.
fn run(case: &Value) -> Outcome {
    let expected = &case["expected"];
    let Some(dates) = dates(&expected["dates"]) else {
        return Outcome::Failed("the dates cannot be read".into());
    };
    let days: Vec<i32> = dates.iter().map(|date| day_number(*date)).collect();
    let gaps: Vec<f64> = days.windows(2).map(|pair| f64::from(pair[1] - pair[0])).collect();
    let given: Option<Vec<f64>> =
        expected["gaps"].as_array().map(|list| list.iter().filter_map(Value::as_f64).collect());
    let calendar = BusinessCalendar::monday_to_friday();
    let found = Paid::new(&days, None)
        .and_then(|paid| PayCycles::new(&calendar).infer(&paid, None, &Prior::default()));
    let found = match found {
        Ok(found) => found,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let median = |values: &[f64]| Gaps::of(values, -1.0).map_or(f64::NAN, |gaps| gaps.p50);
    let middle = median(&gaps);
    let away: Vec<f64> = gaps.iter().map(|gap| (gap - middle).abs()).collect();
    let mut faults = Vec::new();
    if found.kind.name() != expected["label"].as_str().unwrap_or_default() {
        faults.push(format!("{} is expected, {found:?} found", expected["label"]));
    }
    if given.as_ref() != Some(&gaps) || expected["n"].as_u64() != Some(days.len() as u64) {
        faults.push("the gaps are not those of the dates".into());
    }
    for (name, value) in [("median_gap", middle), ("mad_gap", median(&away))] {
        if expected[name].as_f64() != Some(value) {
            faults.push(format!("{name}: {} is expected, {value} found", expected[name]));
        }
    }
    if faults.is_empty() { Outcome::Passed } else { Outcome::Failed(faults.join("; ")) }
}

fn dates(list: &Value) -> Option<Vec<NaiveDate>> {
    list.as_array()?.iter().map(|date| date.as_str()?.parse().ok()).collect()
}
