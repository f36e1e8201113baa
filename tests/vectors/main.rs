//! Runs every published case it is given and prints one line per file.
//!
//! Folders come from `LOAN_ENGINE_VECTORS`, colon-separated; without it the project's own
//! `tests/fixtures` and, if it is there, `../shared/vectors`. A file is recognised by its path
//! below such a folder, may hold more or fewer cases, and a kind of file nobody here reads is
//! reported as skipped. Exit status 1 if any case fails.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

mod actus;
mod actus_fold;
mod apr;
mod behaviour;
mod cashflow;
mod collateral;
mod day_count;
mod market;
mod schedule;
mod servicing;
mod tail;

/// What became of one case.
pub enum Outcome {
    /// Every figure of the case was reproduced.
    Passed,
    /// What differed.
    Failed(String),
    /// Why the case cannot be decided by this library.
    Skipped(String),
}

/// The outcomes of one file, each with the case's name.
pub type Outcomes = Vec<(String, Outcome)>;

/// A kind of file: the path below a vector folder it is found at, and how its cases are run.
pub struct Reader {
    /// Whether a path such as `tvm/numpy_financial.json` is of this kind.
    pub reads: fn(&str) -> bool,
    /// Runs all cases of the file, whose path tells what lies beside it.
    pub run: fn(&Value, &Path) -> Outcomes,
}

const READERS: &[&[Reader]] = &[
    actus::READERS,
    apr::READERS,
    behaviour::READERS,
    cashflow::READERS,
    collateral::READERS,
    day_count::READERS,
    market::READERS,
    schedule::READERS,
    servicing::READERS,
    tail::READERS,
];

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match std::env::var("LOAN_ENGINE_VECTORS") {
        Ok(list) => list.split(':').filter(|one| !one.is_empty()).map(PathBuf::from).collect(),
        Err(_) => [root.join("tests/fixtures"), root.join("../shared/vectors")]
            .into_iter()
            .filter(|folder| folder.is_dir())
            .collect(),
    }
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files_below(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    Ok(())
}

/// Runs one file and returns how many of its cases passed, failed and were skipped.
fn run_file(folder: &Path, path: &Path) -> (usize, usize, usize) {
    let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
    if servicing::chosen().is_some() && !servicing::is_sequences(&name) {
        return (0, 0, 0);
    }
    let outcomes = match READERS.iter().flat_map(|group| group.iter()).find(|r| (r.reads)(&name)) {
        None => vec![(name.clone(), Outcome::Skipped("no capability reads this file".into()))],
        Some(reader) => match std::fs::read_to_string(path)
            .map_err(|error| error.to_string())
            .and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()))
        {
            Ok(value) => (reader.run)(&value, path),
            Err(error) => vec![(name.clone(), Outcome::Failed(error))],
        },
    };
    let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|(_, o)| wanted(o)).count();
    let passed = count(|outcome| matches!(outcome, Outcome::Passed));
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    println!("{name}: {passed} passed, {failed} failed, {skipped} skipped");
    for (case, outcome) in &outcomes {
        match outcome {
            Outcome::Passed => {}
            Outcome::Failed(why) => println!("  failed {case}: {why}"),
            Outcome::Skipped(why) => println!("  skipped {case}: {why}"),
        }
    }
    (passed, failed, skipped)
}

fn main() -> ExitCode {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for folder in folders() {
        let mut files = Vec::new();
        if let Err(error) = files_below(&folder, &mut files) {
            println!("{}: {error}", folder.display());
            failed += 1;
        }
        files.sort();
        for file in files {
            let (p, f, s) = run_file(&folder, &file);
            (passed, failed, skipped) = (passed + p, failed + f, skipped + s);
        }
    }
    failed += servicing::report();
    println!("vectors: {passed} passed, {failed} failed, {skipped} skipped");
    if failed > 0 || passed == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
