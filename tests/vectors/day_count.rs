//! Published year fractions and day counts.
//!
//! A case names a convention and two dates, gives `year_fraction` or `days` or both, and may say
//! more of the schedule: `reference_period`, `period_start`, `period_end`, `schedule_start`,
//! `schedule_end`, `termination_date`, `end_is_maturity`, `eom`, `frequency_per_year`.

use chrono::{Datelike, NaiveDate, TimeDelta};
use loan_engine::domain::calendar::{
    BusinessCalendar, CalendarError, DayCount, DayCountContext, Frequency, FrequencyUnit, Weekend,
    day_count_days, year_fraction, year_fraction_f64,
};
use loan_engine::domain::decimal;
use serde_json::Value;

use crate::{Outcome, Outcomes, Reader};

pub const READERS: &[Reader] = &[Reader { reads, run: |file, _| run(file) }];

/// Where a case states no tolerance: published doubles have their last digits in the sixteenth
/// place and the largest fraction is below ten.
const TOLERANCE: f64 = 1e-12;

fn reads(path: &str) -> bool {
    path.starts_with("daycount/")
}

fn run(file: &Value) -> Outcomes {
    let brazil = brazilian_settlement();
    let cases = file["cases"].as_array().map(Vec::as_slice).unwrap_or_default();
    cases
        .iter()
        .map(|case| {
            let text = |key: &str| case[key].as_str().unwrap_or("?");
            let name = format!("{} {} {}", text("convention"), text("start"), text("end"));
            (name, decide(case, &brazil).unwrap_or_else(Outcome::Failed))
        })
        .collect()
}

fn decide(case: &Value, brazil: &BusinessCalendar) -> Result<Outcome, String> {
    let given = case["convention"].as_str().ok_or("no convention")?;
    let (start, end) = (required(case, "start")?, required(case, "end")?);
    let (convention, calendar) = match given {
        // Only the numerator is given, and it counts all days.
        "ACT days" => (DayCount::Act365Fixed, None),
        "BUS/252 (Brazil settlement calendar)" => (DayCount::Bus252, Some(brazil)),
        _ => (parse(given)?, None),
    };
    if convention == DayCount::Bus252 && calendar.is_none() {
        return Ok(Outcome::Skipped("the case does not say which days are holidays".into()));
    }
    let mut context = context(case, start, end)?;
    context.calendar = calendar;
    if convention == DayCount::Act365L && context.frequency.is_none() {
        // Without a schedule the dates are the whole interest period. Its frequency is not said;
        // a period of 485 days is no year, and the rule for other than annual interest is the one
        // these published examples apply.
        context.period_end = Some(end);
        context.frequency = Some(Frequency::SEMI_ANNUAL);
    }
    let mut wrong = Vec::new();
    if let Some(want) = case["year_fraction"].as_f64() {
        let tolerance = case["tolerance"].as_f64().unwrap_or(TOLERANCE);
        let exact = year_fraction(convention, start, end, &context).map_err(explain)?;
        let double = year_fraction_f64(convention, start, end, &context).map_err(explain)?;
        for got in [decimal::to_f64(exact), double] {
            if (got - want).abs() > tolerance {
                wrong.push(format!("year fraction {got}, published {want}"));
            }
        }
    }
    if let Some(want) = case["days"].as_i64() {
        let got = day_count_days(convention, start, end, &context).map_err(explain)?;
        if got != want {
            wrong.push(format!("{got} days, published {want}"));
        }
    }
    if case["year_fraction"].is_null() && case["days"].is_null() {
        return Ok(Outcome::Skipped("the case publishes no figure".into()));
    }
    Ok(if wrong.is_empty() { Outcome::Passed } else { Outcome::Failed(wrong.join("; ")) })
}

/// The convention of a name; a remark that the end is not the maturity belongs to the context,
/// which knows of none.
fn parse(name: &str) -> Result<DayCount, String> {
    DayCount::parse(name.trim_end_matches("(not maturity)")).map_err(explain)
}

fn explain(error: CalendarError) -> String {
    error.to_string()
}

fn date(value: &Value) -> Result<Option<NaiveDate>, String> {
    match value.as_str() {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| format!("{text} is no date")),
    }
}

fn required(case: &Value, key: &str) -> Result<NaiveDate, String> {
    date(&case[key])?.ok_or_else(|| format!("no {key}"))
}

fn context(
    case: &Value,
    start: NaiveDate,
    end: NaiveDate,
) -> Result<DayCountContext<'static>, String> {
    let reference = &case["reference_period"];
    let mut context = DayCountContext {
        period_start: date(&reference[0])?.or(date(&case["period_start"])?),
        period_end: date(&reference[1])?.or(date(&case["period_end"])?),
        schedule_start: date(&case["schedule_start"])?,
        schedule_end: date(&case["schedule_end"])?.or(date(&case["termination_date"])?),
        end_of_month: case["eom"].as_bool(),
        ..DayCountContext::default()
    };
    if case["end_is_maturity"].as_bool() == Some(true) {
        context.schedule_end = Some(end);
    }
    // Where nothing is said of the period, the dates are it; where only its end is, the first date
    // is its start.
    context.period_start = context.period_start.or(Some(start));
    context.period_end = context.period_end.or(Some(end));
    if let Some(per_year) = case["frequency_per_year"].as_i64() {
        let months = 12 / per_year.max(1);
        context.frequency = Some(Frequency::every(months, FrequencyUnit::Month).map_err(explain)?);
    }
    Ok(context)
}

/// The days on which payments do not settle in Brazil: the national holidays of laws 662/1949,
/// 6.802/1980, 10.607/2002 and 14.759/2023, and by resolution 4.880/2020 of the national monetary
/// council and its predecessors Carnival's Monday and Tuesday, Good Friday and Corpus Christi.
fn brazilian_settlement() -> BusinessCalendar {
    let mut holidays = Vec::new();
    for year in 1995..=2060 {
        let fixed =
            [(1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (11, 20), (12, 25)];
        let easter = easter(year);
        holidays.extend(
            fixed
                .into_iter()
                .filter(|day| *day != (11, 20) || year >= 2024)
                .filter_map(|(month, day)| NaiveDate::from_ymd_opt(year, month, day)),
        );
        holidays.extend([-48, -47, -2, 60].map(|days| easter + TimeDelta::days(days)));
    }
    BusinessCalendar::new(Weekend::SATURDAY_SUNDAY, holidays).expect("a week with business days")
}

/// Easter Sunday of the Gregorian calendar (Meeus, Astronomical Algorithms, chapter 8).
fn easter(year: i32) -> NaiveDate {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - b / 4 - g + 15) % 30;
    let l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let days = h + l - 7 * m;
    let equinox = NaiveDate::from_ymd_opt(year, 3, 22).expect("a date");
    let sunday = equinox + TimeDelta::days(i64::from(days));
    assert_eq!(sunday.weekday(), chrono::Weekday::Sun, "Easter {year}");
    sunday
}
