//! Terms from JSON, with the path of what is wrong.

use serde_json::{Map, Value};

use super::{Problem, ScheduleTerms};

/// Terms that are objects, and terms that are lists of objects.
const OBJECTS: [&str; 7] =
    ["due_dates", "step", "grace", "down_payment", "index", "interest", "rounding"];
const LISTS: [&str; 4] = ["custom", "disbursements", "rate_changes", "fees"];

impl ScheduleTerms {
    /// The terms of a JSON object, not yet validated as a whole. Numbers keep all their digits.
    ///
    /// # Errors
    /// The first name or value that is not one, with its path; `terms` is the document itself.
    pub fn from_json(document: Value) -> Result<Self, Problem> {
        let Value::Object(mut terms) = document else { return Err(no_object("terms")) };
        check_shapes(&terms)?;
        terms.values_mut().for_each(spell_out_numbers);
        serde_path_to_error::deserialize(Value::Object(terms)).map_err(|error| {
            let path = match error.path().to_string() {
                path if path == "." => "terms".into(),
                path => path,
            };
            Problem { path, message: error.into_inner().to_string() }
        })
    }

    /// Everything that is wrong with terms in JSON: nothing for terms that a schedule follows from.
    pub fn problems(document: Value) -> Vec<Problem> {
        match Self::from_json(document) {
            Err(problem) => vec![problem],
            Ok(terms) => terms.validate().err().unwrap_or_default(),
        }
    }
}

pub(crate) fn no_object(path: impl Into<String>) -> Problem {
    Problem { path: path.into(), message: "not an object of named terms".into() }
}

/// Values of a list are not taken for the members of an object in their order, as the reader of
/// JSON underneath would.
fn check_shapes(terms: &Map<String, Value>) -> Result<(), Problem> {
    for name in OBJECTS {
        if terms.get(name).is_some_and(Value::is_array) {
            return Err(no_object(name));
        }
    }
    let fixings = terms.get("index").and_then(|index| index.get("fixings"));
    let lists = LISTS.iter().map(|name| (*name, terms.get(*name)));
    for (name, list) in lists.chain([("index.fixings", fixings)]) {
        let items = list.and_then(Value::as_array).into_iter().flatten();
        if let Some(at) = items.into_iter().position(Value::is_array) {
            return Err(no_object(format!("{name}[{at}]")));
        }
    }
    Ok(())
}

/// Writes numbers that are not small whole ones as strings, which decimals are read from without
/// the detour through a double.
pub(crate) fn spell_out_numbers(value: &mut Value) {
    match value {
        Value::Number(number) if number.as_i64().is_none() => {
            *value = Value::String(number.to_string());
        }
        Value::Array(items) => items.iter_mut().for_each(spell_out_numbers),
        Value::Object(members) => members.values_mut().for_each(spell_out_numbers),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn loan(more: Value) -> Value {
        let mut document = json!({"principal": 100, "annual_rate": "0.1", "instalments": 3,
                                  "disbursed_on": "2024-01-31"});
        if let (Some(all), Value::Object(more)) = (document.as_object_mut(), more) {
            all.extend(more);
        }
        document
    }

    #[test]
    fn a_problem_says_where_it_is() {
        let found = |document| {
            ScheduleTerms::problems(document)
                .into_iter()
                .map(|problem| problem.path)
                .collect::<Vec<_>>()
        };
        assert_eq!(found(loan(json!({}))), [""; 0]);
        assert_eq!(found(loan(json!({"grace": {"principal": -1}}))), ["grace.principal"]);
        assert_eq!(found(loan(json!({"fees": [{"value": 1}, {"value": "x"}]}))), ["fees[1].value"]);
        assert_eq!(found(loan(json!({"instalments": 0, "annual_rate": -2}))).len(), 2);
        assert_eq!(found(json!([])), ["terms"]);
        assert_eq!(found(json!({})), ["terms"]);
        assert_eq!(found(loan(json!({"rounding": []}))), ["rounding"]);
        assert_eq!(found(loan(json!({"fees": [{"value": 1}, ["x", 1]]}))), ["fees[1]"]);
        assert_eq!(found(loan(json!({"index": {"fixings": [[]]}}))), ["index.fixings[0]"]);
    }

    #[test]
    fn a_number_keeps_its_digits() {
        let text = r#"{"principal": 99999999999999.99, "annual_rate": 0.100000000000000000001,
                       "instalments": 1, "disbursed_on": "2024-01-31"}"#;
        let terms = ScheduleTerms::from_json(serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!(terms.principal.to_string(), "99999999999999.99");
        assert_eq!(terms.annual_rate.to_string(), "0.100000000000000000001");
        let huge = loan(serde_json::from_str(r#"{"principal": 1e400}"#).unwrap());
        assert!(ScheduleTerms::from_json(huge).is_err());
    }
}
