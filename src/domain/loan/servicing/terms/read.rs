//! Terms and operations from JSON, with the path of what is wrong.
//!
//! Every unknown name is refused where it stands, and numbers keep all their digits.

use std::fmt::Write as _;
use std::str::FromStr;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use super::super::state::operation::{Action, Operation, PaymentKind};
use super::super::terms::{LoanTerms, ServicingTerms};
use crate::domain::limits::OPERATIONS_MAX;
use crate::domain::loan::ScheduleTerms;
use crate::domain::loan::terms::{Problem, no_object, spell_out_numbers};

/// The names of [`ServicingTerms`]' members; all others are the schedule's.
const SERVICING: [&str; 15] = [
    "version",
    "currency",
    "allocation",
    "recalculation",
    "collect_down_payment",
    "lend_beyond",
    "arrears",
    "penalties",
    "overpayment",
    "delinquency",
    "delinquency_by_instalment",
    "charge_off",
    "accrual",
    "interest_refund",
    "capitalised_income",
];
/// Members of the servicing's terms that are objects, and those that are lists of objects.
const OBJECTS: [&[&str]; 6] = [
    &["allocation"],
    &["allocation", "default"],
    &["recalculation"],
    &["arrears"],
    &["accrual"],
    &["capitalised_income"],
];
const LISTS: [&[&str]; 3] = [&["allocation", "by_transaction"], &["penalties"], &["delinquency"]];

impl LoanTerms {
    /// The terms of a JSON object, not yet validated as a whole.
    ///
    /// # Errors
    /// The first name or value that is not one, with its path; `terms` is the document itself.
    pub fn from_json(document: Value) -> Result<Self, Problem> {
        let Value::Object(mut all) = document else { return Err(no_object("terms")) };
        let mut servicing = Map::new();
        for name in SERVICING {
            if let Some((name, value)) = all.remove_entry(name) {
                servicing.insert(name, value);
            }
        }
        let schedule = ScheduleTerms::from_json(Value::Object(all))?;
        let servicing = ServicingTerms::from_json(servicing)?;
        Ok(Self { schedule, servicing })
    }
}

impl ServicingTerms {
    fn from_json(mut members: Map<String, Value>) -> Result<Self, Problem> {
        check_shapes(&members)?;
        members.values_mut().for_each(spell_out_numbers);
        read(Value::Object(members), "terms", 0)
    }
}

/// Digits of an amount that any decimal holds.
const PLAIN_DIGITS_MAX: usize = 27;

/// Values of a list are not taken for the members of an object in their order, as the reader of
/// JSON underneath would.
fn check_shapes(members: &Map<String, Value>) -> Result<(), Problem> {
    let find = |path: &[&str]| {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(members.get(*first)?, |value, name| value.get(name))
    };
    for path in OBJECTS {
        if find(path).is_some_and(Value::is_array) {
            return Err(no_object(path.join(".")));
        }
    }
    for path in LISTS {
        let items = find(path).and_then(Value::as_array).into_iter().flatten();
        if let Some(at) = items.into_iter().position(Value::is_array) {
            return Err(no_object(format!("{}[{at}]", path.join("."))));
        }
    }
    Ok(())
}

impl TryFrom<Value> for LoanTerms {
    type Error = String;
    fn try_from(document: Value) -> Result<Self, String> {
        Self::from_json(document).map_err(|Problem { path, message }| format!("{path}: {message}"))
    }
}

impl From<LoanTerms> for Value {
    fn from(terms: LoanTerms) -> Self {
        let members = |value: Result<Value, _>| match value {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let mut all = members(serde_json::to_value(terms.schedule));
        all.extend(members(serde_json::to_value(terms.servicing)));
        Self::Object(all)
    }
}

/// What every operation has, whatever happens by it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    on: NaiveDate,
    #[serde(default)]
    recorded_on: Option<NaiveDate>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    currency: Option<String>,
}

const HEAD: [&str; 4] = ["on", "recorded_on", "id", "currency"];

impl Operation {
    /// An operation from a JSON object: its type, its day and what the type has.
    ///
    /// # Errors
    /// The first name or value that is not one, with its path; `operation` is the document itself.
    pub fn from_json(document: Value) -> Result<Self, Problem> {
        let Value::Object(members) = document else {
            return Err(Problem { path: "operation".into(), message: "not an object".into() });
        };
        match plain_operation(&members) {
            Some(plain) => Ok(plain),
            None => Self::from_members(members),
        }
    }

    fn from_members(mut members: Map<String, Value>) -> Result<Self, Problem> {
        let problem =
            |path: &str, message: &str| Problem { path: path.into(), message: message.into() };
        let kind = match members.remove("type") {
            Some(Value::String(kind)) => kind,
            Some(_) => return Err(problem("type", "not a name")),
            None => return Err(problem("type", "missing; say what happens, such as \"repay\"")),
        };
        let head: Map<String, Value> =
            HEAD.iter().filter_map(|name| members.remove_entry(*name)).collect();
        let Head { on, recorded_on, id, currency } = read(Value::Object(head), "operation", 0)?;
        let action = read_action(kind, members)?;
        Ok(Self { on, recorded_on, id, currency, action })
    }

    /// Operations from a JSON list, in the order recorded.
    ///
    /// # Errors
    /// The first name or value that is not one, with its path, such as `operations[3].amount`.
    pub fn list_from_json(document: Value) -> Result<Vec<Self>, Problem> {
        let Value::Array(items) = document else {
            return Err(Problem { path: "operations".into(), message: "not a list".into() });
        };
        if items.len() > OPERATIONS_MAX {
            let message = format!("{} are more than {OPERATIONS_MAX}", items.len());
            return Err(Problem { path: "operations".into(), message });
        }
        let read = |(at, item)| {
            Self::from_json(item).map_err(|Problem { path, message }| {
                let path = match path.as_str() {
                    "operation" => format!("operations[{at}]"),
                    inner => format!("operations[{at}].{inner}"),
                };
                Problem { path, message }
            })
        };
        items.into_iter().enumerate().map(read).collect()
    }
}

/// An operation of a kind that most are of, read at once. What is in any way unusual is none: it is
/// read with the path of what may be wrong with it.
fn plain_operation(members: &Map<String, Value>) -> Option<Operation> {
    let (mut kind, mut on, mut amount) = ("", None, None);
    let (mut recorded_on, mut id, mut currency) = (None, None, None);
    for (name, value) in members {
        match (name.as_str(), value) {
            ("type", Value::String(name)) => kind = name,
            ("on", Value::String(day)) => on = Some(NaiveDate::from_str(day).ok()?),
            ("recorded_on", Value::String(day)) => {
                recorded_on = Some(NaiveDate::from_str(day).ok()?);
            }
            ("amount", Value::String(digits)) => amount = Some(plain_amount(digits)?),
            ("amount", Value::Number(number)) => amount = Some(plain_amount(number.as_str())?),
            ("id", Value::String(name)) => id = Some(name.clone()),
            ("currency", Value::String(code)) => currency = Some(code.clone()),
            _ => return None,
        }
    }
    let action = match (kind, amount) {
        ("repay", Some(amount)) => Action::Repay { amount, kind: PaymentKind::Repayment },
        ("disburse", Some(amount)) => Action::Disburse { amount },
        ("pay_off", None) => Action::PayOff,
        ("end_of_day", None) => Action::EndOfDay,
        _ => return None,
    };
    Some(Operation { on: on?, recorded_on, id, currency, action })
}

/// An amount of digits and a point.
fn plain_amount(digits: &str) -> Option<Decimal> {
    let plain = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    if digits.len() <= PLAIN_DIGITS_MAX && digits.bytes().all(plain) {
        Decimal::from_str(digits).ok()
    } else {
        None
    }
}

/// What happens, from the name of the type and the members it has.
fn read_action(kind: String, mut members: Map<String, Value>) -> Result<Action, Problem> {
    // A type without members is read from its name alone.
    if let Ok(action) = Action::deserialize(Value::String(kind.clone())) {
        return match members.keys().next() {
            None => Ok(action),
            Some(name) => {
                let message = format!("unknown field `{name}`, \"{kind}\" has no members");
                Err(Problem { path: name.clone(), message })
            }
        };
    }
    members.values_mut().for_each(spell_out_numbers);
    let named: Map<String, Value> = [(kind, Value::Object(members))].into_iter().collect();
    read(Value::Object(named), "operation", 1).map_err(|problem: Problem| {
        if problem.message.starts_with("unknown variant") && problem.path == "operation" {
            return Problem { path: "type".into(), ..problem };
        }
        problem
    })
}

/// Reads a value; a fault is told with its path below the first so many steps, or the name of the
/// whole.
fn read<T: for<'de> Deserialize<'de>>(
    value: Value,
    whole: &str,
    above: usize,
) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut path = String::new();
        for segment in error.path().iter().skip(above) {
            let dot = if path.is_empty() { "" } else { "." };
            // Writing to a string does not fail.
            let _ = match segment {
                Segment::Seq { index } => write!(path, "[{index}]"),
                Segment::Map { key } => write!(path, "{dot}{key}"),
                Segment::Enum { variant } => write!(path, "{dot}{variant}"),
                Segment::Unknown => Ok(()),
            };
        }
        if path.is_empty() {
            path = whole.into();
        }
        Problem { path, message: error.into_inner().to_string() }
    })
}

impl<'de> Deserialize<'de> for Operation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Value::deserialize(deserializer)?;
        Self::from_json(document).map_err(|Problem { path, message }| {
            serde::de::Error::custom(format!("{path}: {message}"))
        })
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, members) = match serde_json::to_value(&self.action).map_err(S::Error::custom)? {
            Value::String(kind) => (kind, Map::new()),
            Value::Object(named) => match named.into_iter().next() {
                Some((kind, Value::Object(members))) => (kind, members),
                _ => return Err(S::Error::custom("an action has one name")),
            },
            _ => return Err(S::Error::custom("an action has a name")),
        };
        let mut written = serializer.serialize_map(None)?;
        written.serialize_entry("type", &kind)?;
        written.serialize_entry("on", &self.on)?;
        let named = [("id", &self.id), ("currency", &self.currency)];
        if let Some(day) = self.recorded_on {
            written.serialize_entry("recorded_on", &day)?;
        }
        for (name, value) in named {
            if let Some(value) = value {
                written.serialize_entry(name, value)?;
            }
        }
        for (name, value) in &members {
            written.serialize_entry(name, value)?;
        }
        written.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(operations: Value) -> String {
        Operation::list_from_json(operations).unwrap_err().path
    }

    #[test]
    fn a_fault_is_named_where_it_stands() {
        let paid = json!({"type": "repay", "on": "2024-02-01", "amount": "17.01"});
        let with = |more: Value| {
            let mut operation = paid.clone();
            operation.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!([paid, operation])
        };
        assert_eq!(fault(json!({})), "operations");
        assert_eq!(fault(json!([[]])), "operations[0]");
        assert_eq!(fault(with(json!({"amount": "x"}))), "operations[1].amount");
        assert_eq!(fault(with(json!({"on": "2024-02-30"}))), "operations[1].on");
        assert_eq!(fault(with(json!({"colour": 1}))), "operations[1].colour");
        assert_eq!(fault(with(json!({"kind": 1}))), "operations[1].kind");
        assert_eq!(fault(with(json!({"type": "repeat"}))), "operations[1].type");
        assert_eq!(fault(with(json!({"type": "pay_off"}))), "operations[1].amount");
        assert_eq!(fault(json!([{"type": "pay_off"}])), "operations[0]");
        assert_eq!(fault(json!([{"on": "2024-02-01"}])), "operations[0].type");
    }

    #[test]
    fn terms_are_refused_where_they_stand() {
        let found = |servicing: Value| {
            let mut all = json!({"principal": 100, "annual_rate": "0.1", "instalments": 3,
                                 "disbursed_on": "2024-01-31"});
            all.as_object_mut().unwrap().extend(servicing.as_object().unwrap().clone());
            LoanTerms::from_json(all).map(|_| ()).map_err(|problem| problem.path)
        };
        let refused = |path: &str| Err(path.to_owned());
        let rule = |rule: Value| json!({"allocation": {"by_transaction": [rule]}});
        assert_eq!(
            found(rule(json!({"transaction": "goodwill_credit", "future": "last"}))),
            Ok(())
        );
        assert_eq!(
            found(rule(json!({"transaction": "goodwill_credit", "futures": "last"}))),
            refused("allocation.by_transaction[0].futures")
        );
        assert_eq!(
            found(rule(json!({"transaction": "repayment", "order": ["due_fee", "fee"]}))),
            refused("allocation.by_transaction[0].order[1]")
        );
        assert_eq!(found(json!({"allocation": {"default": []}})), refused("allocation.default"));
        assert_eq!(found(json!({"penalties": [[]]})), refused("penalties[0]"));
        assert_eq!(found(json!({"arrears": {"tolerance": "x"}})), refused("arrears.tolerance"));
        assert_eq!(found(json!({"lend_beyond": 0.25})), Ok(()));
    }

    #[test]
    fn what_is_read_at_once_is_what_is_read_in_full() {
        let mut plain = 0;
        for document in [
            json!({"type": "repay", "on": "2024-02-01", "amount": "17.01", "id": "a"}),
            json!({"type": "repay", "on": "2024-2-1", "amount": 17, "currency": "EUR"}),
            json!({"type": "disburse", "on": "2024-02-01", "amount": 0.10, "recorded_on": "2024-02-03"}),
            json!({"type": "end_of_day", "on": "2024-02-01"}),
            json!({"type": "pay_off", "on": "2024-02-01"}),
            json!({"type": "pay_off", "on": "2024-02-01", "amount": 1}),
            json!({"type": "repay", "on": "2024-02-30", "amount": 1}),
            json!({"type": "repay", "on": "2024-02-01", "amount": "1e3"}),
            json!({"type": "repay", "on": "2024-02-01", "amount": ""}),
            json!({"type": "repay", "on": "2024-02-01", "amount": "."}),
            json!({"type": "repay", "on": "2024-02-01"}),
            json!({"type": "repay", "amount": 1}),
        ] {
            let Value::Object(members) = document else { panic!() };
            let Some(read) = plain_operation(&members) else { continue };
            assert_eq!(Operation::from_members(members), Ok(read));
            plain += 1;
        }
        assert_eq!(plain, 5);
    }

    #[test]
    fn what_is_written_can_be_read() {
        let operations = json!([
            {"type": "repay", "on": "2024-02-01", "amount": "17.01", "kind": "payout_refund",
             "id": "a", "currency": "EUR", "recorded_on": "2024-02-03"},
            {"type": "pay_off", "on": "2024-02-01"},
            {"type": "reschedule", "on": "2024-02-01", "extra_instalments": 3}
        ]);
        let read = Operation::list_from_json(operations).unwrap();
        let again = Operation::list_from_json(serde_json::to_value(&read).unwrap()).unwrap();
        assert_eq!(read, again);
    }
}
