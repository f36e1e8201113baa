//! Whether comparisons find what they look for: a cell of a met expectation is changed to what
//! cannot be, and the comparison must notice. Each column of each kind of expectation is tried
//! until it is noticed once; one that never is would be a column nobody compares.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::expect;
use super::steps::Player;

/// Columns by kind and name, and whether a change in them was noticed.
static NOTICED: Mutex<BTreeMap<String, bool>> = Mutex::new(BTreeMap::new());

/// Codes and flags of the source's own storage, which say nothing about a loan.
pub const INTERNAL: [&str; 4] =
    ["Term Type Id", "Term Type Code", "Is Specific To Installment", "Is Processed"];

/// Tries the columns of an expectation that was met.
pub fn try_columns(player: &Player<'_>, step: &Value) {
    // That one transaction is not reversed holds of others, too.
    if step["value"] == json!(false) {
        return;
    }
    let mut noticed = NOTICED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for path in cells(step) {
        let name = path.rsplit('/').next().unwrap_or_default();
        if name == "op" || INTERNAL.contains(&name) {
            continue;
        }
        let column = format!("{} {name}", step["op"].as_str().unwrap_or_default());
        if noticed.get(&column) == Some(&true) {
            continue;
        }
        let mut changed = step.clone();
        if let Some(cell) = changed.pointer_mut(&path) {
            *cell = other_than(cell);
        }
        noticed.insert(column, !expect::compare(player, &changed).is_empty());
    }
}

/// Columns in which a change was never noticed.
pub fn unnoticed() -> Vec<String> {
    let noticed = NOTICED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    noticed.iter().filter(|(_, noticed)| !**noticed).map(|(column, _)| column.clone()).collect()
}

/// The paths of all cells, of tables those of the first row.
fn cells(step: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in step.as_object().into_iter().flatten() {
        let (path, row) = match value {
            Value::Array(rows) => (format!("/{name}/0"), rows.first()),
            other => (format!("/{name}"), Some(other)),
        };
        match row {
            Some(Value::Object(row)) => {
                found.extend(row.keys().map(|column| format!("{path}/{column}")));
            }
            Some(_) => found.push(path),
            None => {}
        }
    }
    found
}

/// What a cell cannot be if it is what it is.
fn other_than(cell: &Value) -> Value {
    match cell {
        Value::Bool(value) => json!(!value),
        Value::Number(_) => json!(987_654),
        Value::String(text) if text.len() == 10 && text.contains('-') => json!("1999-12-31"),
        Value::String(text) if text == "true" || text == "false" => json!(text != "true"),
        _ => json!("987654.32"),
    }
}
