//! Amortisation schedules and the progressive calculator, against published ones.

use chrono::NaiveDate;
use loan_engine::domain::calendar::{Frequency, FrequencyUnit};
use loan_engine::domain::loan::terms::{
    DaysInMonth, DaysInYear, Interest, LeapDay, Levelling, Rounding,
};
use loan_engine::domain::loan::{ProgressiveModel, ProgressiveRules};
use loan_engine::domain::money::RoundingMode;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{Outcome, Outcomes, Reader};

pub const READERS: &[Reader] = &[Reader {
    reads: |path| path.ends_with("fineract/emi_calculator_unit.json"),
    run: calculator,
}];

/// What differs, or what could not be read.
type Check = Result<(), String>;

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    value.get(name).and_then(Value::as_str).ok_or_else(|| format!("{name} is missing"))
}

fn optional<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn parse<T: std::str::FromStr>(given: &str, name: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    given.parse().map_err(|error| format!("{name} \"{given}\": {error}"))
}

fn date(value: &Value, name: &str) -> Result<NaiveDate, String> {
    parse(text(value, name)?, name)
}

fn number(value: &Value, name: &str) -> Result<Decimal, String> {
    parse(text(value, name)?, name)
}

fn whole(value: &Value, name: &str) -> Result<usize, String> {
    let found = value.get(name).and_then(Value::as_u64).ok_or_else(|| format!("no {name}"))?;
    usize::try_from(found).map_err(|error| error.to_string())
}

fn list<'a>(value: &'a Value, name: &str) -> Result<&'a [Value], String> {
    value
        .get(name)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .ok_or_else(|| format!("{name} is missing"))
}

fn show(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn same(what: &str, found: Decimal, wanted: Decimal) -> Check {
    if found == wanted { Ok(()) } else { Err(format!("{what} is {found}, not {wanted}")) }
}

fn outcome(check: Check) -> Outcome {
    match check {
        Ok(()) => Outcome::Passed,
        Err(why) => Outcome::Failed(why),
    }
}

fn percent(rate: Decimal) -> Decimal {
    rate / Decimal::ONE_HUNDRED
}

/// `12 HALF_EVEN`: significant digits and rounding mode.
fn rounding(context: &str) -> Result<Rounding, String> {
    let (digits, mode) = context.split_once(' ').ok_or("no rounding mode")?;
    Ok(Rounding {
        precision: parse(digits, "digits")?,
        mode: RoundingMode::parse(mode).map_err(show)?,
        ..Rounding::default()
    })
}

fn frequency(every: &str, unit: &str) -> Result<Frequency, String> {
    let unit = match unit {
        "DAYS" => FrequencyUnit::Day,
        "WEEKS" => FrequencyUnit::Week,
        "MONTHS" => FrequencyUnit::Month,
        "YEARS" => FrequencyUnit::Year,
        other => return Err(format!("unknown unit {other}")),
    };
    Frequency::every(parse(every, "count")?, unit).map_err(show)
}

/// `DAYS_30`, `DAYS30`, `ACTUAL` and a leap rule.
fn interest(month: &str, year: &str, leap: Option<&str>) -> Result<Interest, String> {
    let digits = |name: &str| name.trim_start_matches("DAYS").trim_start_matches('_').to_owned();
    Ok(Interest {
        days_in_month: match digits(month).as_str() {
            "30" => DaysInMonth::Thirty,
            "ACTUAL" => DaysInMonth::Actual,
            other => return Err(format!("unknown days in month {other}")),
        },
        days_in_year: match digits(year).as_str() {
            "360" => DaysInYear::D360,
            "364" => DaysInYear::D364,
            "365" => DaysInYear::D365,
            "ACTUAL" => DaysInYear::Actual,
            other => return Err(format!("unknown days in year {other}")),
        },
        leap_day: match leap {
            Some("FEB_29_PERIOD_ONLY") => LeapDay::Feb29PeriodOnly,
            _ => LeapDay::FullYear,
        },
        ..Interest::default()
    })
}

/// The unit tests of the calculator: periods, operations and what they must leave.
fn calculator(file: &Value) -> Outcomes {
    let mut outcomes = Outcomes::new();
    for case in file.get("cases").and_then(Value::as_array).into_iter().flatten() {
        let name = optional(case, "test").unwrap_or("unnamed").to_owned();
        outcomes.push((name, outcome(calculate(case))));
    }
    outcomes
}

fn calculate(case: &Value) -> Check {
    let mut model = model_of(case)?;
    for (at, step) in list(case, "steps")?.iter().enumerate() {
        run(&mut model, step).map_err(|why| format!("step {at} {step}: {why}"))?;
    }
    Ok(())
}

fn model_of(case: &Value) -> Result<ProgressiveModel, String> {
    let frequency = frequency(text(case, "repayment_every")?, text(case, "repayment_unit")?)?;
    let periods = list(case, "periods")?;
    let start = date(periods.first().ok_or("no periods")?, "from")?;
    let dues: Vec<NaiveDate> =
        periods.iter().map(|period| date(period, "due")).collect::<Result<_, _>>()?;
    let mut rounding = rounding(text(case, "math_context")?)?;
    rounding.multiple = optional(case, "installment_multiple_of")
        .map(|multiple| parse(multiple, "multiple"))
        .transpose()?;
    if dues_were_moved(start, &dues, frequency) {
        // The published model does not level instalments once a due date was moved.
        rounding.levelling = Some(Levelling::Off);
    }
    let rules = ProgressiveRules {
        annual_rate: percent(number(case, "annual_rate_pct")?),
        frequency,
        roll: Default::default(),
        interest: interest(
            text(case, "days_in_month")?,
            text(case, "days_in_year")?,
            optional(case, "days_in_year_custom_strategy"),
        )?,
        rounding,
        instalment: None,
        principal_grace: 0,
        recast: true,
    };
    ProgressiveModel::new(rules, start, &dues).map_err(show)
}

/// The file does not say so, but periods that are not regular come of moved due dates.
fn dues_were_moved(start: NaiveDate, dues: &[NaiveDate], frequency: Frequency) -> bool {
    (1i64..).zip(dues).any(|(n, due)| {
        loan_engine::domain::calendar::nth_date(start, frequency, Default::default(), n) != Ok(*due)
    })
}

fn run(model: &mut ProgressiveModel, step: &Value) -> Check {
    match text(step, "op")? {
        "add_disbursement" => {
            model.add_disbursement(date(step, "date")?, number(step, "amount")?).map_err(show)
        }
        "change_interest_rate" => {
            let rate = percent(number(step, "rate_pct")?);
            model.change_interest_rate(date(step, "date")?, rate).map_err(show)
        }
        "pay_principal" => {
            let (due, on) = (date(step, "period_due")?, date(step, "date")?);
            model.pay_principal(due, on, number(step, "amount")?).map_err(show)
        }
        "pay_interest" => {
            model.pay_interest(date(step, "period_due")?, number(step, "amount")?).map_err(show)
        }
        "add_balance_correction" => {
            model.add_balance_correction(date(step, "date")?, number(step, "amount")?).map_err(show)
        }
        "apply_interest_pause" => {
            model.pause_interest(date(step, "from")?, date(step, "to")?).map_err(show)
        }
        "chargeback_principal" => {
            model.charge_back_principal(date(step, "date")?, number(step, "amount")?).map_err(show)
        }
        "chargeback_interest" => {
            model.charge_back_interest(date(step, "date")?, number(step, "amount")?).map_err(show)
        }
        _ => expect(model, step),
    }
}

fn expect(model: &ProgressiveModel, step: &Value) -> Check {
    match text(step, "op")? {
        "expect_period" => expect_period(model, step),
        "expect_emi" => {
            let period = model.period(whole(step, "period")?).map_err(show)?;
            same("emi", period.instalment, number(step, "emi")?)
        }
        "expect_total_interest" => {
            same("total interest", model.total_interest().map_err(show)?, number(step, "amount")?)
        }
        "expect_due_amounts" => {
            let (due, on) = (date(step, "period_due")?, date(step, "on")?);
            let amounts = model.due_amounts(due, on).map_err(show)?;
            for (name, found) in [("principal", amounts.principal), ("interest", amounts.interest)]
            {
                if optional(step, name).is_some() {
                    same(name, found, number(step, name)?)?;
                }
            }
            Ok(())
        }
        "expect_daily_interest" => {
            let due = date(step, "period_due")?;
            let on = date(step, "start")? + chrono::Days::new(whole(step, "day_offset")? as u64);
            let interest = model.due_amounts(due, on).map_err(show)?.interest;
            same("interest until the day", interest, number(step, "interest_till_date")?)?;
            let daily = model.daily_interest(on).map_err(show)?;
            same("interest of the day", daily, number(step, "daily_interest")?)
        }
        other => Err(format!("unknown operation {other}")),
    }
}

fn expect_period(model: &ProgressiveModel, step: &Value) -> Check {
    let index = whole(step, "period")?;
    let period = model.period(index).map_err(show)?;
    same("emi", period.instalment, number(step, "emi")?)?;
    same("interest due", period.interest_due, number(step, "interest_due")?)?;
    same("principal due", period.principal_due, number(step, "principal_due")?)?;
    same("balance", period.closing_balance, number(step, "balance")?)?;
    if let Some(paid) = step.get("fully_paid").and_then(Value::as_bool)
        && paid != period.fully_paid
    {
        return Err(format!("fully paid is {}, not {paid}", period.fully_paid));
    }
    if step.get("interest_period").is_none() {
        return Ok(());
    }
    let segments = model.segments(index).map_err(show)?;
    let at = whole(step, "interest_period")?;
    let segment =
        segments.get(at).ok_or_else(|| format!("no segment {at} of {}", segments.len()))?;
    same("rate factor", segment.factor, number(step, "rate_factor")?)?;
    match optional(step, "interest_due_in_interest_period") {
        Some(wanted) => same("segment interest", segment.interest, parse(wanted, "interest")?),
        None => Ok(()),
    }
}
