//! Amortisation schedules and the progressive calculator, against published ones.

use chrono::NaiveDate;
use loan_engine::domain::calendar::{Frequency, FrequencyUnit};
use loan_engine::domain::calendar::{RollRule, nth_date};
use loan_engine::domain::decimal;
use loan_engine::domain::loan::terms::{
    DaysInMonth, DaysInYear, DownPayment, Interest, InterestPeriod, LeapDay, Levelling, Method,
    Rounding, RoundingFamily, YearEnd,
};
use loan_engine::domain::loan::{
    Instalment, ProgressiveModel, ProgressiveRules, ScheduleTerms, progressive_model, schedule,
    total_cost,
};
use loan_engine::domain::money::RoundingMode;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{Outcome, Outcomes, Reader};

pub const READERS: &[Reader] = &[
    Reader {
        reads: |path| path.ends_with("fineract/emi_calculator_unit.json"),
        run: |file, _| calculator(file),
    },
    Reader {
        reads: |path| path.ends_with("fineract/plain_schedules.json"),
        run: |file, _| plain(file),
    },
    Reader {
        reads: |path| path.ends_with("fineract/newer_upstream_cases.json"),
        run: |file, _| newer(file),
    },
    Reader {
        reads: |path| path.ends_with("schedule/worked_examples.json"),
        run: |file, _| worked(file),
    },
];

/// What differs, or what could not be read.
type Check = Result<(), String>;

pub fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    value.get(name).and_then(Value::as_str).ok_or_else(|| format!("{name} is missing"))
}

pub fn optional<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

pub fn parse<T: std::str::FromStr>(given: &str, name: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    given.parse().map_err(|error| format!("{name} \"{given}\": {error}"))
}

pub fn date(value: &Value, name: &str) -> Result<NaiveDate, String> {
    parse(text(value, name)?, name)
}

pub fn number(value: &Value, name: &str) -> Result<Decimal, String> {
    parse(text(value, name)?, name)
}

pub fn whole(value: &Value, name: &str) -> Result<usize, String> {
    let found = value.get(name).and_then(Value::as_u64).ok_or_else(|| format!("no {name}"))?;
    usize::try_from(found).map_err(|error| error.to_string())
}

pub fn list<'a>(value: &'a Value, name: &str) -> Result<&'a [Value], String> {
    value
        .get(name)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .ok_or_else(|| format!("{name} is missing"))
}

pub fn show(error: impl std::fmt::Display) -> String {
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

pub fn percent(rate: Decimal) -> Decimal {
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

pub fn frequency(every: &str, unit: &str) -> Result<Frequency, String> {
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
    for (at, case) in list(file, "rate_factors").unwrap_or_default().iter().enumerate() {
        outcomes.push((format!("rate_factors[{at}]"), outcome(rate_factors(case))));
    }
    for case in list(file, "schedule_generator_tests").unwrap_or_default() {
        let name = optional(case, "id").unwrap_or("unnamed").to_owned();
        outcomes.push((name, outcome(generated(case))));
    }
    outcomes
}

/// The factors of monthly periods. (The values of the annuity recursion that the file has beside
/// them are steps on the way to an instalment, which no caller sees.)
fn rate_factors(case: &Value) -> Check {
    let start = text(case, "periods")?
        .strip_prefix("monthly from ")
        .ok_or("periods are not monthly")
        .and_then(|start| start.parse().map_err(|_| "no start"))?;
    let wanted = list(case, "factors")?;
    let dues: Vec<NaiveDate> = (1..=wanted.len() as i64)
        .map(|n| nth_date(start, Frequency::MONTHLY, RollRule::SameDay, n).map_err(show))
        .collect::<Result<_, _>>()?;
    let (month, year) = (text(case, "days_in_month")?, text(case, "days_in_year")?);
    let rules = ProgressiveRules {
        annual_rate: number(case, "annual_rate")?,
        frequency: Frequency::MONTHLY,
        roll: RollRule::SameDay,
        interest: interest(month, year, None)?,
        rounding: rounding(text(case, "math_context")?)?,
        instalment: None,
        principal_grace: 0,
        recast: true,
    };
    let model = ProgressiveModel::new(rules, start, &dues).map_err(show)?;
    let as_number = |value: &Value| parse(value.as_str().unwrap_or_default(), "factor");
    for (index, factor) in wanted.iter().enumerate() {
        let segments = model.segments(index).map_err(show)?;
        let found = segments.first().ok_or("no segment")?.factor;
        same("factor", found, as_number(factor)?)?;
    }
    Ok(())
}

/// A schedule from the generator's own tests.
fn generated(case: &Value) -> Check {
    let mut terms = ScheduleTerms::new(
        number(case, "principal")?,
        percent(number(case, "annual_rate_pct")?),
        whole(case, "n")? as u32,
        date(case, "disbursement_date")?,
    );
    terms.starts_on = Some(date(case, "schedule_start")?);
    let every = whole(case, "every")?.to_string();
    terms.frequency = frequency(&every, text(case, "unit")?)?;
    terms.interest = interest(text(case, "days_in_month")?, text(case, "days_in_year")?, None)?;
    terms.rounding = rounding(text(case, "math_context")?)?;
    if optional(case, "down_payment_pct").is_some() {
        let fraction = Some(percent(number(case, "down_payment_pct")?));
        terms.down_payment = Some(DownPayment { amount: None, fraction });
    }
    let rows = schedule(&terms).map_err(show)?.rows;
    compare(&rows, list(case, "rows")?)?;
    if optional(case, "total_interest").is_some() {
        let total: Decimal = rows.iter().map(|row| row.interest).sum();
        same("total interest", total, number(case, "total_interest")?)?;
    }
    Ok(())
}

/// Every figure a published row has.
fn compare(rows: &[Instalment], wanted: &[Value]) -> Check {
    if rows.len() != wanted.len() {
        return Err(format!("{} rows, not {}", rows.len(), wanted.len()));
    }
    for (row, wanted) in rows.iter().zip(wanted) {
        compare_row(row, wanted).map_err(|why| format!("row {}: {why}", row.number))?;
    }
    Ok(())
}

fn compare_row(row: &Instalment, wanted: &Value) -> Check {
    if whole(wanted, "nr")? != row.number as usize {
        return Err(format!("the number is not {}", wanted["nr"]));
    }
    let due = date(wanted, "due_date")?;
    if due != row.due_date {
        return Err(format!("due on {}, not {due}", row.due_date));
    }
    if let Some(days) = wanted.get("days").and_then(Value::as_i64) {
        let found = (row.due_date - row.period_start).num_days();
        same("days", Decimal::from(found), Decimal::from(days))?;
    }
    for (name, found) in [
        ("principal", row.principal),
        ("interest", row.interest),
        ("fees", row.fees),
        ("due", row.total),
        ("balance", row.closing_balance),
    ] {
        if optional(wanted, name).is_some() {
            same(name, found, number(wanted, name)?)?;
        }
    }
    Ok(())
}

/// Schedules of loans without payments.
fn plain(file: &Value) -> Outcomes {
    let mut outcomes = Outcomes::new();
    for case in list(file, "cases").unwrap_or_default() {
        let name = optional(case, "id").unwrap_or("unnamed").to_owned();
        outcomes.push((name, outcome(plain_case(case))));
    }
    outcomes
}

fn plain_case(case: &Value) -> Check {
    let terms = plain_terms(case)?;
    let rows: Vec<Value> = list(&case["expected"], "rows")?
        .iter()
        .filter(|row| row.get("nr").is_some_and(|nr| !nr.is_null()))
        .cloned()
        .collect();
    if text(case, "class")?.starts_with("backdated") {
        return overdue(&terms, date(case, "business_date")?, &rows);
    }
    let found = schedule(&terms).map_err(show)?;
    compare(&found.rows, &rows)?;
    let total = |amount: fn(&Instalment) -> Decimal| found.rows.iter().map(amount).sum();
    let totals = &case["expected"]["totals"];
    for (name, sum) in [
        ("principal", total(|row| row.principal)),
        ("interest", total(|row| row.interest)),
        ("due", total(|row| row.total)),
    ] {
        if optional(totals, name).is_some() {
            same(name, sum, number(totals, name)?)?;
        }
    }
    Ok(())
}

/// A loan seen after due dates on which nothing was paid: overdue principal bears interest.
fn overdue(terms: &ScheduleTerms, as_of: NaiveDate, rows: &[Value]) -> Check {
    let mut model = progressive_model(terms).map_err(show)?;
    model.carry_overdue(as_of).map_err(show)?;
    let mut balance = terms.principal;
    for (index, wanted) in rows.iter().enumerate() {
        let period = model.period(index).map_err(show)?;
        let at = |what: &str| format!("row {}: {what}", index + 1);
        balance -= period.principal_due;
        same(&at("principal"), period.principal_due, number(wanted, "principal")?)?;
        same(&at("interest"), period.interest_due, number(wanted, "interest")?)?;
        same(&at("balance"), balance, number(wanted, "balance")?)?;
    }
    Ok(())
}

pub fn plain_terms(case: &Value) -> Result<ScheduleTerms, String> {
    let (agreed, product) = (&case["terms"], &case["product_settings"]);
    let unit = text(agreed, "repayment_unit")?;
    let every = whole(agreed, "repayment_every")?.to_string();
    let mut terms = ScheduleTerms::new(
        number(&case["disbursement"], "amount")?,
        percent(number(case, "effective_annual_rate_pct")?),
        whole(agreed, "number_of_repayments")? as u32,
        date(&case["disbursement"], "date")?,
    );
    terms.frequency = frequency(&every, unit)?;
    let progressive = text(product, "loanScheduleType")? == "PROGRESSIVE";
    let level = text(agreed, "amortization_type")? == "EQUAL_INSTALLMENTS";
    let flat = text(agreed, "interest_type")? == "FLAT";
    // The progressive schedules of the source know no other method, whatever the terms say.
    terms.method = match (progressive, flat, level) {
        (true, ..) | (false, false, true) => Method::Annuity,
        (false, true, _) => Method::Flat,
        (false, false, false) => Method::EqualPrincipal,
    };
    terms.grace.principal = whole(agreed, "grace_on_principal")? as u32;
    terms.grace.interest_payment = whole(agreed, "grace_on_interest")? as u32;
    terms.grace.spread = terms.method == Method::Flat && level;
    terms.interest = plain_interest(agreed, product)?;
    terms.rounding = Rounding {
        family: if progressive { RoundingFamily::Progressive } else { RoundingFamily::Cumulative },
        minor_units: whole(product, "digitsAfterDecimal")? as u32,
        multiple: product["installmentAmountInMultiplesOf"].as_i64().map(Decimal::from),
        ..Rounding::default()
    };
    if optional(product, "repaymentStartDateType") == Some("SUBMITTED_ON_DATE") {
        terms.starts_on = Some(date(agreed, "submitted_on")?);
    }
    let length = agreed["fixed_length"].as_i64().or(product["fixedLength"].as_i64());
    if let Some(length) = length {
        let one = frequency("1", unit)?;
        let start = terms.starts_on.unwrap_or(terms.disbursed_on);
        terms.last_due_on = Some(nth_date(start, one, RollRule::SameDay, length).map_err(show)?);
    }
    terms.down_payment = plain_down_payment(agreed, product)?;
    Ok(terms)
}

fn plain_interest(agreed: &Value, product: &Value) -> Result<Interest, String> {
    let (month, year) = (text(product, "daysInMonthType")?, text(product, "daysInYearType")?);
    let is = |name: &str| product[name].as_bool() == Some(true);
    Ok(Interest {
        period: match text(agreed, "interest_calculation_period")? {
            "DAILY" => InterestPeriod::Daily,
            _ => InterestPeriod::SameAsRepayment,
        },
        partial_periods: is("allowPartialPeriodInterestCalculation"),
        year_end: if is("interestRecognitionOnDisbursementDate") {
            YearEnd::January1
        } else {
            YearEnd::December31
        },
        ..interest(month, year, optional(product, "daysInYearCustomStrategy"))?
    })
}

fn plain_down_payment(agreed: &Value, product: &Value) -> Result<Option<DownPayment>, String> {
    let enabled = product["enableDownPayment"].as_bool() == Some(true)
        && agreed["down_payment_disabled"].as_bool() != Some(true);
    if !enabled {
        return Ok(None);
    }
    let own = optional(agreed, "down_payment_pct")
        .map(|own| parse::<Decimal>(own, "down payment"))
        .transpose()?;
    let usual = product["disbursedAmountPercentageForDownPayment"].as_f64();
    let usual = usual.and_then(|usual| decimal::from_f64(usual).ok());
    let share = own.or(usual).ok_or("no down payment percentage")?;
    Ok(Some(DownPayment { amount: None, fraction: Some(percent(share)) }))
}

/// Schedules transcribed from later versions of the source.
fn newer(file: &Value) -> Outcomes {
    let mut outcomes = Outcomes::new();
    for case in list(file, "cases").unwrap_or_default() {
        let name = optional(case, "id").unwrap_or("unnamed").to_owned();
        outcomes.push((name, outcome(newer_case(case))));
    }
    outcomes
}

fn newer_case(case: &Value) -> Check {
    let mut terms = ScheduleTerms::new(
        number(case, "principal")?,
        percent(number(case, "annual_rate_pct")?),
        whole(case, "n")? as u32,
        date(case, "disbursement_date")?,
    );
    let every = whole(case, "every")?.to_string();
    terms.frequency = frequency(&every, text(case, "unit")?)?;
    terms.interest = interest(text(case, "days_in_month")?, text(case, "days_in_year")?, None)?;
    terms.grace.principal = whole(case, "grace_on_principal").unwrap_or(0) as u32;
    if optional(case, "month_end_due_date_strategy") == Some("FIRST_DAY_OF_NEXT_MONTH") {
        terms.due_dates.roll = RollRule::FirstDayOfNextMonth;
    }
    compare(&schedule(&terms).map_err(show)?.rows, list(case, "rows")?)
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
    (1i64..).zip(dues).any(|(n, due)| nth_date(start, frequency, Default::default(), n) != Ok(*due))
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

/// The project's own examples: terms in their JSON form, and what follows from them.
fn worked(file: &Value) -> Outcomes {
    let mut outcomes = Outcomes::new();
    for case in list(file, "cases").unwrap_or_default() {
        let name = optional(case, "id").unwrap_or("unnamed").to_owned();
        outcomes.push((name, outcome(worked_case(case))));
    }
    outcomes
}

fn worked_case(case: &Value) -> Check {
    let terms = ScheduleTerms::from_json(case["terms"].clone())
        .map_err(|problem| format!("{problem:?}"))?;
    let found = schedule(&terms).map_err(show)?;
    if optional(case, "instalment").is_some() {
        same("instalment", found.instalment, number(case, "instalment")?)?;
    }
    let rows = list(case, "rows")?;
    if !rows.is_empty() && rows.len() != found.rows.len() {
        return Err(format!("{} rows, not {}", found.rows.len(), rows.len()));
    }
    for (row, wanted) in found.rows.iter().zip(rows) {
        worked_row(row, wanted).map_err(|why| format!("row {}: {why}", row.number))?;
    }
    if let Some(wanted) = case.get("total_cost") {
        let cost = total_cost(&found).map_err(show)?;
        same("principal", cost.principal, number(wanted, "principal")?)?;
        same("interest", cost.interest, number(wanted, "interest")?)?;
        same("fees", cost.fees, number(wanted, "fees")?)?;
        same("total", cost.total, number(wanted, "total")?)?;
    }
    Ok(())
}

fn worked_row(row: &Instalment, wanted: &Value) -> Check {
    let due = date(wanted, "due_date")?;
    if due != row.due_date {
        return Err(format!("due on {}, not {due}", row.due_date));
    }
    for (name, found) in [
        ("principal", row.principal),
        ("interest", row.interest),
        ("fees", row.fees),
        ("total", row.total),
        ("balance", row.closing_balance),
    ] {
        same(name, found, number(wanted, name)?)?;
    }
    match optional(wanted, "disbursed") {
        Some(_) => same("disbursed", row.disbursed, number(wanted, "disbursed")?),
        None => Ok(()),
    }
}
