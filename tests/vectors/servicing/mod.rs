//! Published lives of loans: operations played one after the other, and what each must leave.
//!
//! A file of sequences names products, which `products.json` beside it describes. A case passes if
//! every expectation in it is met. `LOAN_ENGINE_CASE=text` plays only cases whose `file/id` contains
//! the text, and prints every difference with what is expected and what was found.

mod always;
mod charges;
mod control;
mod expect;
mod journal;
mod rows;
mod steps;
mod terms;
mod transactions;

use std::path::Path;
use std::sync::Mutex;

use serde_json::Value;

use crate::schedule::{list, show, text};
use crate::{Outcome, Outcomes, Reader};

pub const READERS: &[Reader] = &[
    Reader { reads: is_sequences, run },
    // Read with each file of sequences.
    Reader { reads: |path| path.ends_with("fineract/products.json"), run: |_, _| Outcomes::new() },
];

/// Whether a file is one of sequences.
pub fn is_sequences(path: &str) -> bool {
    path.contains("fineract/sequences_") && path.ends_with(".json")
}

/// The text that chooses cases, where one is given.
pub fn chosen() -> Option<String> {
    std::env::var("LOAN_ENGINE_CASE").ok().filter(|text| !text.is_empty())
}

/// What became of all cases so far.
static TALLY: Mutex<Tally> = Mutex::new(Tally { passed: 0, failed: 0, met: 0, expectations: 0 });

struct Tally {
    passed: usize,
    failed: usize,
    met: usize,
    expectations: usize,
}

/// How everything begins that a file says and nobody here knows how to do or to compare.
pub const UNKNOWN: &str = "unknown ";

/// One thing that is not as it should be.
pub struct Difference {
    /// The step that shows it, counted from zero.
    pub step: usize,
    /// What the step is.
    pub operation: String,
    /// Expected and found.
    pub what: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "step {} {}: {}", self.step, self.operation, self.what)
    }
}

/// What came of playing a case.
#[derive(Default)]
pub struct Played {
    /// Everything that differs.
    pub differences: Vec<Difference>,
    /// How many expectations the case has.
    pub expectations: usize,
    /// How many of them are met.
    pub met: usize,
}

fn run(file: &Value, path: &Path) -> Outcomes {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let products = match products_beside(path) {
        Ok(products) => products,
        Err(why) => return vec![(name, Outcome::Failed(why))],
    };
    let chosen = chosen();
    let mut outcomes = Outcomes::new();
    for case in list(file, "cases").unwrap_or_default() {
        let id = text(case, "id").unwrap_or("unnamed").to_owned();
        if chosen.as_ref().is_some_and(|text| !format!("{name}/{id}").contains(text.as_str())) {
            continue;
        }
        let played = play(case, &products);
        if chosen.is_some() {
            print_differences(&format!("{name}/{id}"), &played);
        }
        outcomes.push((id, judge(&played)));
    }
    outcomes
}

fn products_beside(path: &Path) -> Result<Value, String> {
    let beside = path.with_file_name("products.json");
    let text = std::fs::read_to_string(&beside)
        .map_err(|error| format!("{}: {error}", beside.display()))?;
    let mut all: Value = serde_json::from_str(&text).map_err(show)?;
    Ok(all["products"].take())
}

/// Plays a case; a panic of the engine is a difference like others.
fn play(case: &Value, products: &Value) -> Played {
    let played = std::panic::catch_unwind(|| steps::play(case, products));
    played.unwrap_or_else(|_| Played {
        differences: vec![Difference {
            step: 0,
            operation: "case".into(),
            what: "the engine panicked".into(),
        }],
        ..Played::default()
    })
}

fn judge(played: &Played) -> Outcome {
    let mut tally = TALLY.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    tally.met += played.met;
    tally.expectations += played.expectations;
    // What cannot be compared decides nothing, as long as what can be is as it should be.
    let differs = |one: &&Difference| !one.what.starts_with(UNKNOWN);
    let first = played.differences.iter().find(differs).or(played.differences.first());
    match first {
        None => {
            tally.passed += 1;
            Outcome::Passed
        }
        Some(first) if differs(&first) => {
            tally.failed += 1;
            Outcome::Failed(first.to_string())
        }
        Some(first) => Outcome::Skipped(first.to_string()),
    }
}

fn print_differences(name: &str, played: &Played) {
    println!("{name}: {} of {} expectations met", played.met, played.expectations);
    for difference in &played.differences {
        println!("  {difference}");
    }
}

/// Prints the sum over all files, and returns how many columns nobody compares.
pub fn report() -> usize {
    let tally = TALLY.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let all = tally.passed + tally.failed;
    if all == 0 {
        return 0;
    }
    println!(
        "servicing: {} passed, {} failed of {all}; expectations {} of {}",
        tally.passed, tally.failed, tally.met, tally.expectations
    );
    // A few chosen cases need not show every column changing.
    let unnoticed = if chosen().is_some() { Vec::new() } else { control::unnoticed() };
    for column in &unnoticed {
        println!("  failed control: a change of {column} is not noticed");
    }
    unnoticed.len()
}
