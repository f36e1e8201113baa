//! Reading JSON objects with every problem noted at its path.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::error::Problem;
use super::time::ContractTime;
use crate::domain::error::by_name;

/// How a JSON value becomes a value of a type; the error ends a sentence about it.
pub type Parse<T> = fn(&Value) -> Result<T, String>;

/// The members of one JSON object, read by name.
///
/// A problem is noted and the member taken for absent, so that one pass finds them all.
pub struct Reader<'a> {
    object: &'a Map<String, Value>,
    prefix: String,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Reads an object found at `prefix`, which is empty at the top and else ends in a point.
    pub fn new(object: &'a Map<String, Value>, prefix: impl Into<String>) -> Self {
        Self { object, prefix: prefix.into(), problems: Vec::new() }
    }

    /// Whether nothing was found wrong yet.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// What was found wrong.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Notes a problem with a member.
    pub fn note(&mut self, name: &str, reason: impl Into<String>) {
        let path = format!("{}{name}", self.prefix);
        self.problems.push(Problem { path, reason: reason.into() });
    }

    /// The names of the members there are.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.object.keys().map(String::as_str)
    }

    /// The raw value of a member; JSON null is absence.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// A member that may be absent.
    pub fn optional<T>(&mut self, name: &str, parse: Parse<T>) -> Option<T> {
        match parse(self.value(name)?) {
            Ok(read) => Some(read),
            Err(reason) => {
                self.note(name, reason);
                None
            }
        }
    }

    /// A member that must be there.
    pub fn required<T>(&mut self, name: &str, parse: Parse<T>) -> Option<T> {
        if self.value(name).is_none() {
            self.note(name, "is missing");
        }
        self.optional(name, parse)
    }

    /// A member that must be there under a condition.
    pub fn required_if<T>(&mut self, condition: bool, name: &str, parse: Parse<T>) -> Option<T> {
        if condition { self.required(name, parse) } else { self.optional(name, parse) }
    }

    /// A member that is a list, or one value that stands for a list of one.
    pub fn list<T>(&mut self, name: &str, parse: Parse<T>) -> Vec<T> {
        let elements = match self.value(name) {
            None => return Vec::new(),
            Some(Value::Array(elements)) => elements.as_slice(),
            Some(single) => std::slice::from_ref(single),
        };
        let mut list = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            match parse(element) {
                Ok(read) => list.push(read),
                Err(reason) => self.note(&format!("{name}[{index}]"), reason),
            }
        }
        list
    }
}

/// `value` as quoted in a message, cut short.
pub fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// A string.
pub fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("({}) is not a string", shown(value)))
}

/// A string that is not blank.
pub fn label(value: &Value) -> Result<String, String> {
    match text(value)?.trim() {
        "" => Err("is blank".into()),
        label => Ok(label.to_owned()),
    }
}

/// A time of the contract.
pub fn time(value: &Value) -> Result<ContractTime, String> {
    let given = text(value)?;
    ContractTime::parse(given).map_err(|reason| format!("({}) {reason}", shown(value)))
}

/// A number, given as one or as a string of digits.
pub fn number(value: &Value) -> Result<Decimal, String> {
    let wrong = || format!("({}) is not a number", shown(value));
    let digits = |given: &str| {
        let given = given.trim();
        Decimal::from_str(given).or_else(|_| Decimal::from_scientific(given)).ok()
    };
    let number = match value {
        Value::String(given) => digits(given),
        Value::Number(given) => digits(given.as_str()),
        _ => None,
    };
    number.map(|found| found.normalize()).ok_or_else(wrong)
}

/// One of a table's names.
pub fn one_of<T: Copy>(
    value: &Value,
    kind: &'static str,
    table: &[(&'static str, T)],
) -> Result<T, String> {
    by_name(kind, text(value)?, table).map_err(|unknown| {
        format!("({}) is not a {kind}; known are {}", shown(value), unknown.known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_read_exactly_however_they_are_written() {
        for value in [json!("  0.080 "), json!(0.08), json!("8e-2")] {
            assert_eq!(number(&value).unwrap().to_string(), "0.08", "{value}");
        }
        assert_eq!(number(&json!(-5000)).unwrap().to_string(), "-5000");
        assert_eq!(number(&json!(1e22)).unwrap().to_string(), "10000000000000000000000");
        for value in [json!(""), json!("x"), json!(true), json!([1]), json!("NaN"), json!(1e300)] {
            assert!(number(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn every_problem_is_noted_at_its_path() {
        let object = json!({"a": "x", "b": [1, "y", 3, null]});
        let mut reader = Reader::new(object.as_object().unwrap(), "terms.");
        assert_eq!(reader.optional("a", number), None);
        assert_eq!(reader.list("b", number).len(), 2);
        assert_eq!(reader.required("c", number), None);
        let found: Vec<String> = reader.into_problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "terms.a (\"x\") is not a number",
                "terms.b[1] (\"y\") is not a number",
                "terms.b[3] (null) is not a number",
                "terms.c is missing",
            ]
        );
    }
}
