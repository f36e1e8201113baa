//! Re-ageing and re-amortising with interest, against published schedules and by hand.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::domain::loan::servicing::{Loan, LoanTerms, Operation, ServicingError, TransactionKind};

fn terms(recalculation: &str) -> LoanTerms {
    LoanTerms::from_json(json!({
        "principal": 100, "annual_rate": "0.07", "instalments": 6, "disbursed_on": "2024-01-01",
        "recalculation": {"interest": recalculation},
        "interest": {"days_in_month": "30", "days_in_year": "360"}
    }))
    .unwrap()
}

fn fold(terms: LoanTerms, operations: Value) -> Loan {
    let operations: Vec<Operation> = serde_json::from_value(operations).unwrap();
    Loan::fold(terms, &operations).unwrap()
}

fn shown(loan: &Loan) -> Vec<String> {
    let line = |line: &crate::domain::loan::servicing::Line| {
        let charged = line.charged;
        format!(
            "{} {} {}",
            line.due_date,
            charged.principal.normalize(),
            charged.interest.normalize()
        )
    };
    loan.lines().iter().map(line).collect()
}

/// Apache Fineract's scenario C4314, and C4315 with a fee, which stays where it is.
#[test]
fn what_is_past_due_is_spread_over_what_is_to_come() {
    let operations = json!([
        {"type": "disburse", "on": "2024-01-01", "amount": 100},
        {"type": "repay", "on": "2024-02-01", "amount": "17.01"},
        {"type": "charge", "on": "2024-02-15", "name": "snooze", "value": 10,
         "timing": "on_date", "due_on": "2024-02-15"},
        {"type": "re_amortise", "on": "2024-03-15"}
    ]);
    let loan = fold(terms("daily"), operations);
    assert_eq!(
        shown(&loan),
        [
            "2024-02-01 16.43 0.58",
            "2024-03-01 0 0",
            "2024-04-01 20.34 0.98",
            "2024-05-01 20.95 0.37",
            "2024-06-01 21.07 0.25",
            "2024-07-01 21.21 0.12",
        ]
    );
    assert_eq!(loan.lines()[1].outstanding().unwrap().fee, Decimal::TEN);
    let made = loan.transactions().iter().find(|one| one.kind == TransactionKind::ReAmortise);
    assert_eq!(made.unwrap().amount, Decimal::new(1652, 2));
}

#[test]
fn what_is_outstanding_is_spread_over_new_instalments() {
    for recalculation in ["daily", "at_due_dates", "none"] {
        let paid = json!([
            {"type": "disburse", "on": "2024-01-01", "amount": 100},
            {"type": "repay", "on": "2024-02-01", "amount": "17.01"},
        ]);
        let before = fold(terms(recalculation), paid);
        let look: Operation =
            serde_json::from_value(json!({"type": "end_of_day", "on": "2024-07-20"})).unwrap();
        let before = before.apply(&look).unwrap();
        let owed = before.outstanding().unwrap();
        let re_age: Operation = serde_json::from_value(json!({
            "type": "re_age", "on": "2024-07-20", "from": "2024-08-01", "instalments": 6,
            "frequency": "monthly"
        }))
        .unwrap();
        let loan = before.apply(&re_age).unwrap();
        assert_eq!(loan.lines().len(), 12);
        let asked = shown(&loan);
        assert_eq!(asked[..2], ["2024-02-01 16.43 0.58", "2024-03-01 0 0"]);
        // The interest that was owed, and that of twelve days.
        let first = &loan.lines()[6].charged;
        assert_eq!(first.interest, owed.interest + Decimal::new(19, 2), "{recalculation}");
        let due = |at: usize| loan.lines()[at].charged.total().unwrap();
        assert_eq!(due(6), due(10));
        assert!((due(11) - due(6)).abs() < Decimal::new(6, 2), "{asked:?}");
        let made = loan.transactions().iter().find(|one| one.kind == TransactionKind::ReAge);
        assert_eq!(made.unwrap().portions, owed);
        if recalculation == "daily" {
            let quote = loan.payoff_quote("2024-07-20".parse().unwrap()).unwrap();
            assert_eq!(quote.total, owed.total().unwrap());
        }
    }
}

/// Principal with its interest is asked for once, whatever was paid of what, charged back or
/// waived before, and taking the operation back restores what was.
#[test]
fn respreading_keeps_what_is_owed_and_can_be_undone() {
    for recalculation in ["daily", "at_due_dates", "none"] {
        for spare in [false, true] {
            let mut terms = terms(recalculation);
            terms.servicing.recalculation.spare_overdue_principal = spare;
            let lived = json!([
                {"type": "disburse", "on": "2024-01-01", "amount": 100},
                {"type": "repay", "on": "2024-02-01", "amount": "17.01", "id": "paid"},
                {"type": "repay", "on": "2024-02-10", "amount": "5"},
                {"type": "chargeback", "on": "2024-02-20", "amount": "10", "of": "paid"},
                {"type": "repay", "on": "2024-04-10", "amount": "30"},
                {"type": "waive_interest", "on": "2024-04-12", "amount": "0.05"},
                {"type": "end_of_day", "on": "2024-05-10"},
            ]);
            let before = fold(terms, lived);
            let on = json!("2024-05-10");
            for respread in [
                json!({"type": "re_amortise", "on": on, "id": "respread"}),
                json!({"type": "re_age", "on": "2024-08-10", "from": "2024-09-01",
                       "instalments": 4, "frequency": "monthly", "id": "respread"}),
                json!({"type": "re_age", "on": on, "from": "2024-05-20",
                       "instalments": 5, "frequency": "monthly", "id": "respread"}),
                json!({"type": "re_age", "on": on, "from": "2024-06-01",
                       "instalments": 9, "frequency": "monthly", "id": "respread"}),
            ] {
                let day = respread["on"].clone();
                let look = json!({"type": "end_of_day", "on": day});
                let before = before.clone().apply(&serde_json::from_value(look).unwrap()).unwrap();
                let after =
                    before.clone().apply(&serde_json::from_value(respread).unwrap()).unwrap();
                let owed = |loan: &Loan| loan.outstanding().unwrap();
                assert_eq!(owed(&after).principal, owed(&before).principal, "{recalculation}");
                let past = after
                    .lines()
                    .iter()
                    .filter(|line| json!(line.due_date).as_str() <= day.as_str());
                for line in past {
                    assert_eq!(line.outstanding().unwrap().principal, Decimal::ZERO, "{line:?}");
                    assert_eq!(line.outstanding().unwrap().interest, Decimal::ZERO, "{line:?}");
                }
                let back = json!({"type": "reverse", "on": day, "of": "respread"});
                let restored = after.apply(&serde_json::from_value(back).unwrap()).unwrap();
                assert_eq!(shown(&restored), shown(&before), "{recalculation}");
            }
        }
    }
}

/// The second instalment is not paid, and on 16 March the loan is re-aged. Four instalments from 16
/// April on take the place of the four to come: the first asks for the 0.49 of February and for one
/// and a half months on 83.57, 0.73; all four are of 21.38, the last of a cent more. Where interest
/// does not follow payments the 16.52 past due bear none until they are re-aged: 0.20 and 0.49.
#[test]
fn a_loan_is_re_aged_before_its_last_instalment() {
    for recalculation in ["daily", "at_due_dates", "none"] {
        let operations = json!([
            {"type": "disburse", "on": "2024-01-01", "amount": 100},
            {"type": "repay", "on": "2024-02-01", "amount": "17.01"},
            {"type": "re_age", "on": "2024-03-16", "from": "2024-04-16", "instalments": 4,
             "frequency": "monthly"},
        ]);
        let loan = fold(terms(recalculation), operations);
        let new = if recalculation == "none" {
            ["04-16 20.2 1.17", "05-16 21 0.37", "06-16 21.12 0.25", "07-16 21.25 0.12"]
        } else {
            ["04-16 20.16 1.22", "05-16 21.01 0.37", "06-16 21.13 0.25", "07-16 21.27 0.12"]
        };
        assert_eq!(shown(&loan)[..2], ["2024-02-01 16.43 0.58", "2024-03-01 0 0"]);
        assert_eq!(shown(&loan)[2..], new.map(|line| format!("2024-{line}")), "{recalculation}");
        let made = loan.transactions().last().unwrap();
        assert_eq!(made.portions.principal, Decimal::new(8357, 2));
        assert_eq!(made.portions.interest, Decimal::new(49, 2));
        assert!(loan.journal().iter().all(|one| one.transaction != made.id));
    }
}

/// 600 in six parts of 100, of which 150 were paid. What is left, 450, is asked for in three parts; what
/// was paid stays where it was.
#[test]
fn what_was_paid_of_replaced_instalments_stays() {
    let terms = LoanTerms::from_json(json!({
        "principal": 600, "annual_rate": "0", "instalments": 6, "disbursed_on": "2024-01-01"
    }))
    .unwrap();
    let operations = json!([
        {"type": "disburse", "on": "2024-01-01", "amount": 600},
        {"type": "repay", "on": "2024-01-10", "amount": 150},
        {"type": "re_age", "on": "2024-01-20", "from": "2024-02-15", "instalments": 3,
         "frequency": "monthly"},
    ]);
    let loan = fold(terms, operations);
    assert_eq!(
        shown(&loan),
        [
            "2024-02-01 100 0",
            "2024-02-15 150 0",
            "2024-03-01 50 0",
            "2024-03-15 150 0",
            "2024-04-15 150 0",
        ]
    );
    assert_eq!(loan.outstanding().unwrap().principal, Decimal::from(450));
}

/// 300 at 1 % a month in three instalments of 102.01. Two are overdue, 198.02, and paid on 16 March
/// with the 3.00 that all 300 bear in March. What is left, 101.98, is asked for from 17 March on, and
/// no more: up to then the 198.02 bear interest still, afterwards they bear none. Of the 3.00 that are
/// paid 300 earn 1.55 in sixteen days of 31, and the instalments after that have the rest: 76.47, 50.96
/// and 25.45 bear 0.76, 0.51 and 0.25, of which 0.07 are to be paid.
#[test]
fn what_was_paid_of_overdue_principal_is_not_asked_for_again() {
    let operations = json!([
        {"type": "disburse", "on": "2024-01-01", "amount": 300},
        {"type": "repay", "on": "2024-03-16", "amount": "207.02"},
        {"type": "re_age", "on": "2024-03-16", "from": "2024-03-17", "instalments": 4,
         "frequency": "monthly"},
    ]);
    let terms = LoanTerms::from_json(json!({
        "principal": 300, "annual_rate": "0.12", "instalments": 3, "disbursed_on": "2024-01-01",
        "recalculation": {"interest": "at_due_dates"},
        "interest": {"days_in_month": "30", "days_in_year": "360"}
    }))
    .unwrap();
    let loan = fold(terms, operations);
    assert_eq!(
        shown(&loan),
        [
            "2024-02-01 99.01 3",
            "2024-03-01 99.01 3",
            "2024-03-17 25.51 0",
            "2024-04-01 0 3",
            "2024-04-17 25.51 0",
            "2024-05-17 25.51 0",
            "2024-06-17 25.45 0.07",
        ]
    );
    assert_eq!(loan.outstanding().unwrap().principal, Decimal::new(10198, 2));
    // Who pays nothing of it bears interest on what he owes alone.
    let look = serde_json::from_value(json!({"type": "end_of_day", "on": "2024-04-10"})).unwrap();
    let seen = loan.apply(&look).unwrap();
    assert_eq!(seen.lines()[4].charged.interest, Decimal::ZERO, "{:?}", shown(&seen));
}

/// Principal is there to be spread from the day it is lent.
#[test]
fn nothing_is_spread_anew_before_the_loan_is_lent() {
    let late = json!([{"type": "disburse", "on": "2024-01-16", "amount": 100}]);
    let loan = fold(terms("daily"), late);
    for early in [
        json!({"type": "re_age", "on": "2024-01-10", "from": "2024-02-10", "instalments": 2,
               "frequency": "monthly"}),
        json!({"type": "re_amortise", "on": "2024-01-10"}),
    ] {
        let refused = loan.clone().apply(&serde_json::from_value(early).unwrap());
        assert!(matches!(refused, Err(ServicingError::BeforeDisbursement { .. })));
    }
}
