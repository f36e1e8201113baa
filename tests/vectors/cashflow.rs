//! Time value of money, rates of return of flows and conversions between rates.

use std::str::FromStr;

use chrono::NaiveDate;
use loan_engine::domain::calendar::{DayCount, DayCountContext};
use loan_engine::domain::cashflow::{
    CashflowError, Compounding, DatedFlows, PaymentTiming, equivalent_rate, fv, ipmt, irr, mirr,
    nper, npv, pmt, ppmt, pv, rate,
};
use loan_engine::domain::decimal::to_f64;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{Outcome, Outcomes, Reader};

pub const READERS: &[Reader] = &[
    Reader {
        reads: |name| matches!(name, "tvm/numpy_financial.json" | "tvm/time_value.json"),
        run: |file, _| time_value(file),
    },
    Reader {
        reads: |name| matches!(name, "tvm/pyxirr_xirr.json" | "tvm/dated_flows.json"),
        run: |file, _| dated(file),
    },
    Reader {
        reads: |name| {
            matches!(name, "tvm/quantlib_rate_conversions.json" | "tvm/rate_conversions.json")
        },
        run: |file, _| conversions(file),
    },
];

/// Relative tolerance of a published rate of return, as the samples state it.
const RATE_TOLERANCE: f64 = 1e-8;
/// Relative agreement asked of figures published with 28 digits.
const DECIMAL_TOLERANCE: f64 = 1e-25;

/// What a case asks for could not be read.
type Unread = String;

fn cases(
    file: &Value,
    name: impl Fn(usize, &Value) -> String,
    run: fn(&Value) -> Result<Outcome, Unread>,
) -> Outcomes {
    let Some(cases) = file["cases"].as_array() else {
        return vec![("cases".into(), Outcome::Failed("the file has no cases".into()))];
    };
    cases
        .iter()
        .enumerate()
        .map(|(index, case)| {
            let outcome = run(case).unwrap_or_else(Outcome::Failed);
            (name(index, case), outcome)
        })
        .collect()
}

fn number(value: &Value) -> Result<f64, Unread> {
    Ok(to_f64(decimal(value)?))
}

/// A number, or a quotient of two such as `"0.08/12"`, to 28 digits.
fn decimal(value: &Value) -> Result<Decimal, Unread> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(format!("{value} is not a number")),
    };
    let one = |text: &str| {
        Decimal::from_str(text.trim())
            .or_else(|_| Decimal::from_scientific(text.trim()))
            .map_err(|error| format!("{text}: {error}"))
    };
    match text.split_once('/') {
        Some((over, under)) => Ok(one(over)? / one(under)?),
        None => one(&text),
    }
}

fn numbers(value: &Value) -> Result<Vec<f64>, Unread> {
    value.as_array().ok_or("no list of values")?.iter().map(number).collect()
}

fn integer(value: &Value) -> Result<i64, Unread> {
    value.as_i64().ok_or_else(|| format!("{value} is not a whole number"))
}

/// What a function answered.
enum Answer {
    Exact(Decimal),
    Number(Option<f64>),
    Refused(CashflowError),
}

impl From<Result<Decimal, CashflowError>> for Answer {
    fn from(result: Result<Decimal, CashflowError>) -> Self {
        result.map_or_else(Self::Refused, Self::Exact)
    }
}

impl From<Result<Option<f64>, CashflowError>> for Answer {
    fn from(result: Result<Option<f64>, CashflowError>) -> Self {
        result.map_or_else(Self::Refused, Self::Number)
    }
}

fn time_value(file: &Value) -> Outcomes {
    let name = |index, case: &Value| {
        format!("{index} {} {}", case["fn"].as_str().unwrap_or("?"), case["args"])
    };
    cases(file, name, |case| Ok(judge(&ask(case)?, case)))
}

fn ask(case: &Value) -> Result<Answer, Unread> {
    let args = &case["args"];
    let exact = |name: &str| decimal(&args[name]);
    let float = |name: &str| number(&args[name]);
    let whole = |name: &str| integer(&args[name]);
    let when =
        || PaymentTiming::parse(&args["when"].to_string()).map_err(|error| error.to_string());
    Ok(match case["fn"].as_str() {
        Some("pv") => {
            pv(exact("rate")?, whole("nper")?, exact("pmt")?, exact("fv")?, when()?).into()
        }
        Some("fv") => {
            fv(exact("rate")?, whole("nper")?, exact("pmt")?, exact("pv")?, when()?).into()
        }
        Some("pmt") => {
            pmt(exact("rate")?, whole("nper")?, exact("pv")?, exact("fv")?, when()?).into()
        }
        Some("ipmt") => {
            let (one, all) = (whole("per")?, whole("nper")?);
            ipmt(exact("rate")?, one, all, exact("pv")?, exact("fv")?, when()?).into()
        }
        Some("ppmt") => {
            let (one, all) = (whole("per")?, whole("nper")?);
            ppmt(exact("rate")?, one, all, exact("pv")?, exact("fv")?, when()?).into()
        }
        Some("nper") => {
            nper(float("rate")?, float("pmt")?, float("pv")?, float("fv")?, when()?).into()
        }
        Some("rate") => {
            rate(float("nper")?, float("pmt")?, float("pv")?, float("fv")?, when()?).into()
        }
        Some("npv") => npv(float("rate")?, &numbers(&args["values"])?).map(Some).into(),
        Some("irr") => irr(&numbers(&args["values"])?).into(),
        Some("mirr") => {
            let values = numbers(&args["values"])?;
            mirr(&values, float("finance_rate")?, float("reinvest_rate")?).into()
        }
        other => return Err(format!("unknown function {other:?}")),
    })
}

/// Compares with the published figure at the published tolerance; a published NaN is an answer of
/// None or a refusal.
fn judge(answer: &Answer, case: &Value) -> Outcome {
    let expected = match &case["expected"] {
        Value::String(text) if text == "Infinity" => Some(f64::INFINITY),
        Value::String(text) if text == "-Infinity" => Some(f64::NEG_INFINITY),
        value => value.as_f64(),
    };
    let found = match answer {
        Answer::Exact(value) => Some(to_f64(*value)),
        Answer::Number(value) => *value,
        Answer::Refused(error) if expected.is_some() => return Outcome::Failed(error.to_string()),
        Answer::Refused(_) => None,
    };
    let close = match (found, expected) {
        (None, None) => true,
        (Some(found), Some(expected)) => {
            let (relative, absolute) = (&case["rtol"], &case["atol"]);
            let relative = relative.as_f64().unwrap_or(match absolute {
                Value::Null => 1e-7,
                _ => 0.0,
            });
            let tolerance = relative * expected.abs() + absolute.as_f64().unwrap_or(0.0);
            found == expected || (found - expected).abs() <= tolerance
        }
        _ => false,
    };
    if !close {
        return Outcome::Failed(format!("{found:?} is not {expected:?}"));
    }
    match (answer, case["decimal28"].as_str().map(Decimal::from_str)) {
        (Answer::Exact(found), Some(Ok(expected)))
            if to_f64((found - expected).abs()) > DECIMAL_TOLERANCE * to_f64(expected.abs()) =>
        {
            Outcome::Failed(format!("{found} is not {expected}"))
        }
        (_, Some(Err(error))) => Outcome::Failed(error.to_string()),
        _ => Outcome::Passed,
    }
}

fn dated(file: &Value) -> Outcomes {
    cases(file, |_, case| case["id"].as_str().unwrap_or("?").into(), dated_case)
}

fn dated_case(case: &Value) -> Result<Outcome, Unread> {
    let rows = case["cashflows"].as_array().ok_or("no cash flows")?;
    let mut flows = Vec::with_capacity(rows.len());
    for row in rows {
        let date = row[0].as_str().ok_or("no date")?;
        let date = date.parse::<NaiveDate>().map_err(|error| error.to_string())?;
        flows.push((date, row[1].as_f64().ok_or("no amount")?));
    }
    let day_count = DayCount::parse(case["day_count"].as_str().unwrap_or("ACT/365F"))
        .map_err(|error| error.to_string())?;
    let flows = DatedFlows::new(&flows, day_count, &DayCountContext::default())
        .map_err(|error| error.to_string())?;
    let (found, tolerance) = match case["fn"].as_str() {
        Some("xnpv") => (flows.npv(number(&case["rate"])?).map(Some), RATE_TOLERANCE),
        Some("xirr") => (flows.xirr(), RATE_TOLERANCE),
        other => return Err(format!("unknown function {other:?}")),
    };
    let found = found.map_err(|error| error.to_string())?;
    // A sample that names a second rate was published with both.
    let expected = [case["expected"].as_f64(), case["other_root"].as_f64()];
    let close = |expected: f64| {
        found.is_some_and(|found| (found - expected).abs() <= tolerance * expected.abs().max(1.0))
    };
    Ok(match expected {
        [None, _] if found.is_none() => Outcome::Passed,
        _ if expected.into_iter().flatten().any(close) => Outcome::Passed,
        _ => Outcome::Failed(format!("{found:?} is not {}", case["expected"])),
    })
}

fn conversions(file: &Value) -> Outcomes {
    cases(
        file,
        |index, case| format!("{index} {case}"),
        |case| {
            let compounding = |kind: &str, frequency: &str| {
                let name = match case[kind].as_str() {
                    Some("SimpleThenCompounded") => "simple_then_compounded",
                    Some("CompoundedThenSimple") => "compounded_then_simple",
                    Some(name) => name,
                    None => return Err(format!("no {kind}")),
                };
                Compounding::of_kind(name, integer(&case[frequency])?)
                    .map_err(|error| error.to_string())
            };
            let converted = equivalent_rate(
                decimal(&case["rate"])?,
                compounding("compounding", "frequency_per_year")?,
                compounding("to_compounding", "to_frequency_per_year")?,
                decimal(&case["time_years"])?,
            )
            .map_err(|error| error.to_string())?;
            let decimals = integer(&case["round_to_decimals"])? as u32;
            let expected = decimal(&case["expected_rate"])?;
            Ok(match converted.round_dp(decimals) == expected.round_dp(decimals) {
                true => Outcome::Passed,
                false => Outcome::Failed(format!("{converted} is not {expected}")),
            })
        },
    )
}
