//! What was observed: values of the market, and events no schedule foresees.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::contract::ContractType;
use super::error::{ActusError, Problem};
use super::reader::{Reader, label, number, one_of, shown, time};
use super::terms::{PrepaymentEffect, Terms};
use super::time::ContractTime;
use crate::domain::limits::CASH_FLOWS_MAX;

/// Values of a market object, by time.
type Series = Vec<(ContractTime, Decimal)>;

/// What was observed.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    series: BTreeMap<String, Series>,
    /// Principal paid back early, and when.
    pub prepayments: Vec<(ContractTime, Decimal)>,
    /// When a call money was called.
    pub call: Option<ContractTime>,
    /// When the state is to be shown.
    pub monitored: Vec<ContractTime>,
}

const CALL: char = 'X';
const PREPAYMENT: char = 'P';
const MONITORING: char = 'A';

impl Observed {
    /// Reads observations: null for none, or an object with
    /// - `dataObserved`: for each market object's code `{"identifier": code, "data":
    ///   [{"timestamp": time, "value": number}, …]}`,
    /// - `eventsObserved`: a list of `{"time": time, "type": code, "value": number}` with the codes
    ///   XD (the call of a call money), PP (a prepayment of `value`, which is not negative) and AD
    ///   (the state is shown).
    ///
    /// # Errors
    /// [`ActusError::Invalid`] with every problem there is.
    pub fn read(json: &Value, terms: &Terms) -> Result<Self, ActusError> {
        let mut found = Self::default();
        let mut problems = Vec::new();
        match json {
            Value::Null => return Ok(found),
            Value::Object(members) => {
                for (name, value) in members {
                    match (name.as_str(), value) {
                        (_, Value::Null) => {}
                        ("dataObserved", Value::Object(data)) => {
                            found.read_data(data, &mut problems);
                        }
                        ("eventsObserved", Value::Array(events)) => {
                            found.read_events(events, terms, &mut problems);
                        }
                        ("dataObserved", _) => problem(&mut problems, name, "is not an object"),
                        ("eventsObserved", _) => problem(&mut problems, name, "is not a list"),
                        _ => problem(
                            &mut problems,
                            name,
                            "is unknown; known are dataObserved, eventsObserved",
                        ),
                    }
                }
            }
            _ => problem(
                &mut problems,
                "observed",
                &format!("({}) is not a JSON object", shown(json)),
            ),
        }
        if problems.is_empty() { Ok(found) } else { Err(ActusError::Invalid { problems }) }
    }

    /// The value in force at a time: the latest observed at or before it.
    ///
    /// # Errors
    /// [`ActusError::NotObserved`].
    pub fn value_at(&self, code: &str, time: ContractTime) -> Result<Decimal, ActusError> {
        let series = self.series.get(code).map_or(&[][..], Vec::as_slice);
        let known = series.partition_point(|(at, _)| *at <= time);
        known.checked_sub(1).and_then(|last| series.get(last)).map(|&(_, value)| value).ok_or_else(
            || ActusError::NotObserved {
                code: code.to_owned(),
                time,
                first: series.first().map(|&(at, _)| at),
            },
        )
    }

    fn read_data(&mut self, data: &Map<String, Value>, problems: &mut Vec<Problem>) {
        for (code, value) in data {
            let path = format!("dataObserved.{code}");
            let Value::Object(object) = value else {
                problem(problems, &path, "is not an object");
                continue;
            };
            let mut reader = Reader::new(object, format!("{path}."));
            only(&mut reader, &["identifier", "data"]);
            if reader.optional("identifier", label).is_some_and(|identifier| identifier != *code) {
                reader.note("identifier", format!("is not {code}"));
            }
            let points = match reader.value("data") {
                Some(Value::Array(points)) => points.as_slice(),
                _ => {
                    reader.note("data", "is not a list");
                    &[]
                }
            };
            if points.len() > CASH_FLOWS_MAX {
                reader.note("data", format!("has more than {CASH_FLOWS_MAX} elements"));
            }
            problems.extend(reader.into_problems());
            let series = read_points(points, &path, problems);
            self.series.insert(code.clone(), series);
        }
    }

    fn read_events(&mut self, events: &[Value], terms: &Terms, problems: &mut Vec<Problem>) {
        const TYPES: [(&str, char); 3] = [("XD", CALL), ("PP", PREPAYMENT), ("AD", MONITORING)];
        for (index, event) in events.iter().enumerate() {
            let path = format!("eventsObserved[{index}]");
            let Value::Object(object) = event else {
                problem(problems, &path, "is not an object");
                continue;
            };
            let mut reader = Reader::new(object, format!("{path}."));
            only(&mut reader, &["time", "type", "value", "contractID"]);
            let at = reader.required("time", time);
            let kind = reader.required("type", |v| one_of(v, "type that is followed", &TYPES));
            let value = reader.optional("value", number);
            if let (Some(at), Some(kind)) = (at, kind) {
                self.add_event(&mut reader, terms, at, kind, value);
            }
            problems.extend(reader.into_problems());
        }
        self.prepayments.sort_by_key(|&(at, _)| at);
        self.monitored.sort();
    }

    fn add_event(
        &mut self,
        reader: &mut Reader<'_>,
        terms: &Terms,
        at: ContractTime,
        kind: char,
        value: Option<Decimal>,
    ) {
        if at < terms.initial_exchange {
            reader.note("time", format!("({at}) is before initialExchangeDate"));
        }
        let zero = value.is_none_or(|value| value.is_zero());
        match kind {
            PREPAYMENT if terms.contract_type == ContractType::Clm => {
                reader.note("type", "(PP) does not happen to a CLM");
            }
            PREPAYMENT if terms.prepayment.effect == PrepaymentEffect::Forbidden => {
                reader.note("type", "(PP) is not allowed under prepaymentEffect N");
            }
            PREPAYMENT => match value {
                Some(amount) if !amount.is_sign_negative() => self.prepayments.push((at, amount)),
                _ => reader.note("value", "must be an amount that is not negative"),
            },
            CALL if terms.contract_type != ContractType::Clm => {
                let code = terms.contract_type.code();
                reader.note("type", format!("(XD) does not happen to a {code}"));
            }
            CALL if terms.maturity.is_some() => {
                reader.note("type", "(XD) contradicts maturityDate, which a call sets");
            }
            CALL if self.call.is_some() => reader.note("type", "(XD) happens only once"),
            _ if !zero => reader.note("value", "must be zero or absent"),
            CALL => self.call = Some(at),
            _ => self.monitored.push(at),
        }
    }
}

/// The points of a series, in order of time.
fn read_points(points: &[Value], path: &str, problems: &mut Vec<Problem>) -> Series {
    let mut series = Vec::with_capacity(points.len());
    for (index, point) in points.iter().enumerate() {
        let path = format!("{path}.data[{index}]");
        let Value::Object(object) = point else {
            problem(problems, &path, "is not an object");
            continue;
        };
        let mut reader = Reader::new(object, format!("{path}."));
        only(&mut reader, &["timestamp", "value"]);
        let at = reader.required("timestamp", time);
        let value = reader.required("value", number);
        problems.extend(reader.into_problems());
        series.extend(at.zip(value));
    }
    series.sort_by_key(|&(at, _)| at);
    if let Some([(at, _), _]) = series
        .windows(2)
        .find_map(|pair| <&[_; 2]>::try_from(pair).ok().filter(|[a, b]| a.0 == b.0 && a.1 != b.1))
    {
        problem(problems, path, &format!("has two values at {at}"));
    }
    series
}

fn only(reader: &mut Reader<'_>, known: &[&str]) {
    for name in reader.names() {
        if !known.contains(&name) {
            reader.note(name, format!("is unknown; known are {}", known.join(", ")));
        }
    }
}

fn problem(problems: &mut Vec<Problem>, path: &str, reason: &str) {
    problems.push(Problem { path: path.to_owned(), reason: reason.to_owned() });
}
