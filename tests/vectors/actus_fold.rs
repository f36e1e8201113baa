//! ACTUS contracts replayed as loans: terms and operations of a contract go through the fold, which
//! must come to the interest, the principal and the notional that the standard's tests print.
//!
//! Principal comes back as printed, part by part; interest is the fold's own, from rate, day count
//! and dates. What the fold has no terms for is skipped with the reason.

use chrono::{Days, NaiveDate};
use loan_engine::domain::actus::ContractTime;
use loan_engine::domain::decimal::to_f64;
use loan_engine::domain::error::Refusal;
use loan_engine::domain::loan::servicing::{Loan, LoanStatus, LoanTerms, Operation};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::Outcome;

/// Printed values carry about ten decimals.
const TOLERANCE: f64 = 1e-7;

/// What is paid on one date, as printed.
#[derive(Default)]
struct Payment {
    on: NaiveDate,
    principal: Decimal,
    interest: Decimal,
    /// Principal outstanding after it.
    notional: Decimal,
}

/// A contract as the loan it is.
struct Contract {
    terms: Value,
    lent: (NaiveDate, Decimal),
    later: Vec<(NaiveDate, Decimal)>,
    payments: Vec<Payment>,
    rates: Vec<(NaiveDate, Decimal)>,
}

pub fn outcome(case: &Value) -> Outcome {
    let contract = match contract(case) {
        Ok(contract) => contract,
        Err(reason) => return Outcome::Skipped(reason),
    };
    match replay(&contract) {
        Ok(()) => Outcome::Passed,
        Err(difference) => Outcome::Failed(difference),
    }
}

/// The contract as a loan, or why it is none that the fold has terms for.
fn contract(case: &Value) -> Result<Contract, String> {
    let terms = &case["terms"];
    let text = |name: &str| terms[name].as_str().unwrap_or_default().trim().to_owned();
    if !matches!(text("interestCalculationBase").as_str(), "" | "NT") {
        return Err("interest is not on what is outstanding".into());
    }
    if text("businessDayConvention").starts_with('C') {
        return Err("interest is counted to dates on which nothing is paid".into());
    }
    if !matches!(text("settlementCurrency"), settled if settled.is_empty() || settled == text("currency"))
    {
        return Err("payments are printed in another currency".into());
    }
    let mut contract = Contract {
        terms: Value::Null,
        lent: (NaiveDate::MIN, Decimal::ZERO),
        later: Vec::new(),
        payments: Vec::new(),
        rates: Vec::new(),
    };
    for event in case["results"].as_array().into_iter().flatten() {
        add_event(&mut contract, event)?;
    }
    if contract.lent.1 <= Decimal::ZERO {
        return Err("nothing is lent within what is printed".into());
    }
    if contract.payments.last().is_none_or(|last| !last.notional.is_zero()) {
        return Err("the contract does not end within what is printed".into());
    }
    if contract.payments.iter().any(|payment| payment.principal.is_sign_negative()) {
        return Err("principal grows by interest that is not paid".into());
    }
    if contract.payments.iter().any(|payment| payment.interest.is_zero()) {
        return Err("interest is paid on other dates than principal".into());
    }
    if contract.rates.iter().any(|(_, rate)| rate.is_sign_negative()) {
        return Err("a rate is negative".into());
    }
    contract.terms = loan_terms(&contract, &text("dayCountConvention"))?;
    Ok(contract)
}

/// Takes in one printed event.
fn add_event(contract: &mut Contract, event: &Value) -> Result<(), String> {
    let time = ContractTime::parse(event["eventDate"].as_str().unwrap_or_default())?;
    if event["eventDate"].as_str().is_some_and(|text| text.contains("23:59")) {
        return Err("times at the end of a day count as the next".into());
    }
    let on = time.date();
    let (payoff, notional) = (number(&event["payoff"])?, number(&event["notionalPrincipal"])?);
    let kind = event["eventType"].as_str().unwrap_or_default();
    match kind {
        "IED" => {
            // A premium or discount is no part of the loan.
            contract.lent = (on, notional.abs());
            contract.rates.push((on, number(&event["nominalInterestRate"])?));
            return Ok(());
        }
        "PI" => {
            contract.later.push((on, payoff.abs()));
            return Ok(());
        }
        "RR" | "RRF" => {
            contract.rates.push((on, number(&event["nominalInterestRate"])?));
            return Ok(());
        }
        "PRF" => return Ok(()),
        "IP" if on == contract.lent.0 && payoff.is_zero() => return Ok(()),
        "IP" if on == contract.lent.0 => {
            return Err("interest is owed from before it is lent".into());
        }
        "PR" | "IP" | "MD" => {}
        other => return Err(format!("{other} events are none of a loan's operations")),
    }
    if contract.payments.last().is_none_or(|last| last.on != on) {
        contract.payments.push(Payment { on, ..Payment::default() });
    }
    let Some(payment) = contract.payments.last_mut() else { return Ok(()) };
    match kind {
        "IP" => payment.interest += payoff.abs(),
        _ => {
            let sign = if notional.is_sign_negative() { -payoff } else { payoff };
            payment.principal += if kind == "MD" { payoff.abs() } else { sign };
        }
    }
    payment.notional = notional.abs();
    Ok(())
}

/// The loan's terms: principal as printed, interest from rate, day count and dates.
fn loan_terms(contract: &Contract, day_count: &str) -> Result<Value, String> {
    let day_count = match day_count {
        "A365" => "ACT/365F",
        "A360" => "ACT/360",
        "AA" => "ACT/ACT ISDA",
        "30E360" => "30E/360",
        other => return Err(format!("the day count {other} needs more context than dates")),
    };
    let dates: Vec<NaiveDate> = contract.payments.iter().map(|payment| payment.on).collect();
    let custom: Vec<Value> = contract
        .payments
        .iter()
        .enumerate()
        .take(dates.len() - 1)
        .filter(|(_, payment)| !payment.principal.is_zero())
        .map(|(at, payment)| json!({"number": at + 1, "principal": payment.principal}))
        .collect();
    let later: Vec<Value> =
        contract.later.iter().map(|(on, amount)| json!({"on": on, "amount": amount})).collect();
    let rate = contract.rates.first().map_or(Decimal::ZERO, |(_, rate)| *rate);
    let changes: Vec<Value> = contract
        .rates
        .iter()
        .skip(1)
        .map(|(on, rate)| json!({"from": *on + Days::new(1), "annual_rate": rate}))
        .collect();
    Ok(json!({
        "principal": contract.lent.1,
        "annual_rate": rate,
        "instalments": dates.len(),
        "disbursed_on": contract.lent.0,
        "disbursements": later,
        "method": "interest_only",
        "due_dates": {"explicit": dates},
        "custom": custom,
        "rate_changes": changes,
        "interest": {"day_count": day_count},
        "rounding": {"family": "none"},
    }))
}

/// Lends and pays as printed, and compares what each payment was for and what is left.
fn replay(contract: &Contract) -> Result<(), String> {
    let refused =
        |error: &dyn Refusal| format!("refused: {error}. {}", error.detail().unwrap_or_default());
    let terms = LoanTerms::from_json(contract.terms.clone())
        .map_err(|problem| format!("{}: {}", problem.path, problem.message))?;
    let operation = |value: Value| -> Result<Operation, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    };
    let mut loan = Loan::open(terms).map_err(|error| refused(&error))?;
    let mut to_lend = std::iter::once(&contract.lent).chain(&contract.later).peekable();
    for (at, payment) in contract.payments.iter().enumerate() {
        while let Some((on, amount)) = to_lend.next_if(|(on, _)| *on <= payment.on) {
            let lend = operation(json!({"type": "disburse", "on": on, "amount": amount}))?;
            loan = loan.apply(&lend).map_err(|error| refused(&error))?;
        }
        let line = &loan.lines()[at];
        close(line.charged.interest, payment.interest, "interest", payment.on)?;
        close(line.charged.principal, payment.principal, "principal", payment.on)?;
        let due = line.charged.total().map_err(|error| error.to_string())?;
        if due.is_zero() {
            continue;
        }
        let pay = operation(json!({"type": "repay", "on": payment.on, "amount": due}))?;
        loan = loan.apply(&pay).map_err(|error| refused(&error))?;
        let left = loan.outstanding().map_err(|error| error.to_string())?;
        close(left.principal, payment.notional, "what is outstanding", payment.on)?;
    }
    if loan.status() == LoanStatus::Closed {
        Ok(())
    } else {
        Err(format!("the loan ends as {:?}", loan.status()))
    }
}

fn close(found: Decimal, printed: Decimal, what: &str, on: NaiveDate) -> Result<(), String> {
    let tolerance = TOLERANCE * to_f64(printed).abs().max(1.0);
    if (to_f64(found) - to_f64(printed)).abs() <= tolerance {
        return Ok(());
    }
    Err(format!("{on}: {what} is {found}, expected {printed}"))
}

fn number(value: &Value) -> Result<Decimal, String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    let parsed = text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(&text));
    parsed.map_err(|error| format!("{text}: {error}"))
}
