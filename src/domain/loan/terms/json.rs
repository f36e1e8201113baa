//! Terms from JSON, with the path of what is wrong.

use serde_json::Value;

use super::{Problem, ScheduleTerms};

impl ScheduleTerms {
    /// The terms of a JSON object, not yet validated as a whole.
    ///
    /// # Errors
    /// The first name or value that is not one, with its path.
    pub fn from_json(document: Value) -> Result<Self, Problem> {
        serde_path_to_error::deserialize(document).map_err(|error| {
            let path = error.path().to_string();
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_problem_says_where_it_is() {
        let found = |document| {
            ScheduleTerms::problems(document)
                .into_iter()
                .map(|problem| problem.path)
                .collect::<Vec<_>>()
        };
        let loan = |more: Value| {
            let mut document = json!({"principal": 100, "annual_rate": "0.1", "instalments": 3,
                                      "disbursed_on": "2024-01-31"});
            if let (Some(all), Value::Object(more)) = (document.as_object_mut(), more) {
                all.extend(more);
            }
            document
        };
        assert_eq!(found(loan(json!({}))), [""; 0]);
        assert_eq!(found(loan(json!({"grace": {"principal": -1}}))), ["grace.principal"]);
        assert_eq!(found(loan(json!({"fees": [{"value": 1}, {"value": "x"}]}))), ["fees[1].value"]);
        assert_eq!(found(loan(json!({"instalments": 0, "annual_rate": -2}))).len(), 2);
        assert_eq!(found(json!([])), ["."]);
    }
}
