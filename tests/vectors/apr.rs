//! Annual percentage rates: Regulation Z, the European Union, and a published loan.

use std::str::FromStr;

use chrono::{Days, Months, NaiveDate};
use loan_engine::domain::calendar::{DayCount, DayCountContext};
use loan_engine::domain::cashflow::{
    Apr, CashflowError, EuPeriod, InterestPeriod, RateChange, UnitFlow, apr_eu, apr_eu_dated,
    apr_us, apr_us_dated, simple_interest, unit_schedule,
};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use crate::{Outcome, Outcomes, Reader};

pub const READERS: &[Reader] = &[
    Reader {
        reads: |name| matches!(name, "apr/regz_appendix_j.json" | "apr/regz_examples.json"),
        run: |file, _| run(file, regulation_z),
    },
    Reader {
        reads: |name| matches!(name, "apr/eu_ccd_annex.json" | "apr/eu_examples.json"),
        run: |file, _| run(file, european),
    },
    Reader {
        reads: |name| name == "apr/published_examples.json",
        run: |file, _| run(file, published),
    },
];

/// Agreement asked of figures given in per cent with six decimals.
const PERCENT_TOLERANCE: f64 = 5.1e-7;
/// Agreement asked of unit-periods and fractions of a year.
const TIME_TOLERANCE: f64 = 1e-12;

/// Why a case fails, or cannot be read.
type Failure = String;

fn run(file: &Value, case: fn(&Value) -> Result<(), Failure>) -> Outcomes {
    let Some(cases) = file["cases"].as_array() else {
        return vec![("cases".into(), Outcome::Failed("the file has no cases".into()))];
    };
    let name = |index: usize, case: &Value| match case["ref"].as_str() {
        Some(name) => name.to_owned(),
        None => format!("case {index}"),
    };
    cases
        .iter()
        .enumerate()
        .map(|(index, one)| {
            let outcome = case(one).map_or_else(Outcome::Failed, |()| Outcome::Passed);
            (name(index, one), outcome)
        })
        .collect()
}

fn decimal(value: &Value) -> Result<Decimal, Failure> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(format!("{value} is not an amount")),
    };
    Decimal::from_str(&text).map_err(|error| format!("{text}: {error}"))
}

fn float(value: &Value) -> Result<f64, Failure> {
    value.as_f64().ok_or_else(|| format!("{value} is not a number"))
}

fn date(value: &Value) -> Result<NaiveDate, Failure> {
    let text = value.as_str().ok_or_else(|| format!("{value} is not a date"))?;
    text.parse().map_err(|error| format!("{text}: {error}"))
}

fn list(value: &Value) -> Result<&Vec<Value>, Failure> {
    value.as_array().ok_or_else(|| format!("{value} is not a list"))
}

fn known(apr: Result<Option<Apr>, CashflowError>) -> Result<Apr, Failure> {
    apr.map_err(|error| error.to_string())?.ok_or_else(|| "no rate was found".into())
}

/// Compares the disclosed rate with the official one, and the exact one with a recomputation of
/// six decimals if the case has one.
fn agrees(apr: &Apr, official: &Value, decimals: u32, recomputed: &Value) -> Result<(), Failure> {
    let percent =
        Decimal::ONE_HUNDRED * Decimal::from_f64_retain(apr.annual_rate).unwrap_or_default();
    let rounded = percent.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
    if !official.is_null() && rounded != decimal(official)? {
        return Err(format!("{rounded} ({}) is not {official}", apr.annual_rate));
    }
    match recomputed.as_f64() {
        Some(wanted) if (100.0 * apr.annual_rate - wanted).abs() > PERCENT_TOLERANCE => {
            Err(format!("{} is not {wanted} per cent", apr.annual_rate))
        }
        _ => Ok(()),
    }
}

/// A case of appendix J: from the unit-periods it states, and from dates if it states those.
fn regulation_z(case: &Value) -> Result<(), Failure> {
    let advance = decimal(&case["advance"])?;
    let mut payments = Vec::new();
    for payment in list(&case["payments"])? {
        let periods = payment["t"].as_u64().ok_or("no t")? as u32;
        let fraction = float(&payment["f"])?;
        payments.push(UnitFlow { amount: decimal(&payment["amount"])?, periods, fraction });
    }
    let per_year = float(&case["unit_periods_per_year"])?;
    let at_once = [UnitFlow { amount: advance, periods: 0, fraction: 0.0 }];
    let apr = known(apr_us(&at_once, &payments, per_year))?;
    agrees(&apr, &case["apr_pct"], 2, &case["recomputed_apr_pct"])?;
    if apr.percent() != decimal(&case["apr_pct"])?.normalize() {
        return Err(format!("disclosed {} is not {}", apr.percent(), case["apr_pct"]));
    }
    match case["advance_date"].is_null() {
        true => Ok(()),
        false => regulation_z_dated(case, advance, &payments, per_year),
    }
}

/// The same case measured from its dates must find the stated unit-periods and the same rate.
fn regulation_z_dated(
    case: &Value,
    advance: Decimal,
    stated: &[UnitFlow],
    per_year: f64,
) -> Result<(), Failure> {
    let first = date(&case["first_payment"])?;
    let mut payments = Vec::new();
    for (index, payment) in stated.iter().enumerate() {
        let due = match case["payment_dates"].as_array() {
            Some(dates) => date(dates.get(index).unwrap_or(&Value::Null))?,
            None => regular_date(first, index as u32, per_year)?,
        };
        payments.push((due, payment.amount));
    }
    let advances = [(date(&case["advance_date"])?, advance)];
    let schedule = unit_schedule(&advances, &payments).map_err(|error| error.to_string())?;
    if (schedule.unit_period.per_year() - per_year).abs() > TIME_TOLERANCE {
        return Err(format!("{:?} is not {per_year} a year", schedule.unit_period));
    }
    for (found, stated) in schedule.payments.iter().zip(stated) {
        let same = (found.fraction - stated.fraction).abs() < TIME_TOLERANCE;
        if found.periods != stated.periods || !same {
            return Err(format!("{found:?} is not {stated:?}"));
        }
    }
    let apr = known(apr_us_dated(&advances, &payments))?;
    agrees(&apr, &case["apr_pct"], 2, &case["recomputed_apr_pct"])
}

/// Due dates follow from the first one and the unit-period, which the examples do not repeat.
fn regular_date(first: NaiveDate, index: u32, per_year: f64) -> Result<NaiveDate, Failure> {
    let on = |months: u32, days: u32| {
        first.checked_add_months(Months::new(months))?.checked_add_days(Days::new(days.into()))
    };
    let per_year_whole = per_year as u32;
    let found = match per_year_whole {
        _ if index == 0 => Some(first),
        24 => on(index / 2, 15 * (index % 2)),
        365 => on(0, index),
        1..=12 if 12 % per_year_whole == 0 => on(12 / per_year_whole * index, 0),
        13..=52 if 52 % per_year_whole == 0 => on(0, 7 * (52 / per_year_whole) * index),
        _ => return Err(format!("no regular dates for {per_year} unit-periods a year")),
    };
    found.ok_or_else(|| "a due date is out of range".into())
}

/// A case of the European annexes: from times in years, or from dates and the period to count in.
fn european(case: &Value) -> Result<(), Failure> {
    let (mut drawdowns, mut payments) = (Vec::new(), Vec::new());
    let (mut drawn_on, mut paid_on) = (Vec::new(), Vec::new());
    for flow in list(&case["flows"])? {
        let amount = decimal(&flow["amount"])?;
        let (list, dated) = match amount < Decimal::ZERO {
            true => (&mut drawdowns, &mut drawn_on),
            false => (&mut payments, &mut paid_on),
        };
        list.push((float(&flow["t_years"])?, amount.abs()));
        if !flow["date"].is_null() {
            dated.push((date(&flow["date"])?, amount.abs()));
        }
    }
    let check = |apr: Apr| -> Result<(), Failure> {
        agrees(&apr, &case["apr_pct_1dp"], 1, &case["recomputed_pct"])?;
        agrees(&apr, &case["apr_pct_2dp"], 2, &Value::Null)?;
        match apr.percent() == decimal(&case["apr_pct_1dp"])?.normalize() {
            true => Ok(()),
            false => Err(format!("disclosed {} is not {}", apr.percent(), case["apr_pct_1dp"])),
        }
    };
    check(known(apr_eu(&drawdowns, &payments))?)?;
    match case["period"].as_str() {
        None => Ok(()),
        Some(period) => {
            let period = EuPeriod::parse(period).map_err(|error| error.to_string())?;
            check(known(apr_eu_dated(&drawn_on, &paid_on, period))?)
        }
    }
}

/// A level loan on actual days over 365 without compounding: payments, interest and rate.
fn published(case: &Value) -> Result<(), Failure> {
    let expected = &case["expected"];
    let principal = decimal(&case["principal"])?;
    let rate = decimal(&case["annual_rate_pct"])? / Decimal::ONE_HUNDRED;
    let (start, first) = (date(&case["advance_date"])?, date(&case["first_payment"])?);
    let count = case["n"].as_u64().ok_or("no n")? as u32;
    let dates: Vec<NaiveDate> = (0..count).map(|index| first + Months::new(index)).collect();

    let regular = level_payment(principal, rate, start, &dates)?;
    let (last, interest) = run_off(principal, rate, start, &dates, regular, true)?;
    for (what, found, wanted) in [
        ("regular payment", regular, &expected["regular_payment"]),
        ("final payment", last + regular, &expected["final_payment"]),
        ("interest", interest, &expected["interest"]),
        ("total of payments", principal + interest, &expected["total_of_payments"]),
    ] {
        if found != decimal(wanted)? {
            return Err(format!("{what} {found} is not {wanted}"));
        }
    }
    let financed = decimal(&case["amount_financed"])?;
    let payments: Vec<_> = dates
        .iter()
        .enumerate()
        .map(|(index, &due)| (due, if index + 1 == dates.len() { last + regular } else { regular }))
        .collect();
    let apr = known(apr_us_dated(&[(start, financed)], &payments))?;
    agrees(&apr, &expected["apr_actuarial_pct"], 3, &Value::Null)
}

/// The payment to the cent that brings the balance nearest to zero, by bisection.
fn level_payment(
    principal: Decimal,
    rate: Decimal,
    start: NaiveDate,
    dates: &[NaiveDate],
) -> Result<Decimal, Failure> {
    let (mut low, mut high) = (Decimal::ZERO, principal * Decimal::TWO);
    while high - low > Decimal::new(1, 6) {
        let middle = (low + high) / Decimal::TWO;
        match run_off(principal, rate, start, dates, middle, false)?.0 > Decimal::ZERO {
            true => low = middle,
            false => high = middle,
        }
    }
    Ok(high.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
}

/// The balance left after all payments of `payment`, and the interest on the way, rounded to the
/// cent if asked.
fn run_off(
    principal: Decimal,
    rate: Decimal,
    start: NaiveDate,
    dates: &[NaiveDate],
    payment: Decimal,
    to_the_cent: bool,
) -> Result<(Decimal, Decimal), Failure> {
    let rates = [RateChange { effective: start, annual_rate: rate }];
    let (mut balance, mut total, mut from) = (principal, Decimal::ZERO, start);
    for &due in dates {
        let period = InterestPeriod {
            start: from,
            end: due,
            day_count: DayCount::Act365Fixed,
            context: DayCountContext::default(),
        };
        let mut interest =
            simple_interest(balance, &rates, &period).map_err(|error| error.to_string())?;
        if to_the_cent {
            interest = interest.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        }
        (balance, total, from) = (balance + interest - payment, total + interest, due);
    }
    Ok((balance, total))
}
