//! A loan without its history goes on as the loan with it.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use rust_decimal::Decimal;
use serde_json::json;

use super::super::super::properties::{LIVES, Life, day, life, money, operation, tried};
use super::super::super::{Action, Amounts, LoanTerms, Operation, ServicingError};
use super::super::past::Past;
use super::*;

/// What can be seen of a loan without its history.
fn seen(loan: &Loan) -> Loan {
    let mut seen = loan.clone();
    seen.transactions = loan.looked_at_later().cloned().collect();
    (seen.operations, seen.journal, seen.past) = (Vec::new(), Vec::new(), Past::default());
    seen
}

fn served() -> Loan {
    let terms = json!({
        "principal": 1000, "annual_rate": "0.07", "instalments": 36, "disbursed_on": "2024-01-01",
        "recalculation": {"interest": "daily"}, "accrual": {"periodic": false}
    });
    let operations = json!([
        {"type": "disburse", "on": "2024-01-01", "amount": 1000},
        {"type": "repay", "on": "2024-02-01", "amount": "30.87"},
        {"type": "repay", "on": "2024-04-15", "amount": "30.87"},
        {"type": "charge", "on": "2024-04-20", "name": "visit", "value": 5, "timing": "on_date"},
    ]);
    let operations: Vec<Operation> = serde_json::from_value(operations).unwrap();
    Loan::fold(LoanTerms::from_json(terms).unwrap(), &operations).unwrap()
}

/// Plays lives with and without history side by side.
#[test]
fn a_packed_loan_is_the_loan_without_its_history() {
    let went_on = Cell::new(0u32);
    // What happens after everything else is what a packed loan is for.
    let last = proptest::collection::vec((200u32..400, builds_up()), 1..5);
    let lives = (life(), prop::bool::weighted(0.2), last);
    TestRunner::new(tried(LIVES))
        .run(&lives, |(Life { mut terms, mut operations }, periodic, mut last)| {
            terms.servicing.accrual.periodic = periodic;
            last.sort_by_key(|(offset, _)| *offset);
            operations.extend(last.into_iter().map(|(offset, what)| operation(day(offset), what)));
            let mut loan = Loan::open(terms).unwrap();
            for one in &operations {
                // The names of operations are the book's to guard.
                let one = Operation { id: Some(loan.recorded().to_string()), ..one.clone() };
                let next = loan.clone().apply(&one);
                went_on.set(went_on.get() + u32::from(goes_on(&loan, &one, &next)?));
                loan = next.unwrap_or(loan);
            }
            Ok(())
        })
        .unwrap();
    // Without lives that go on the property would say nothing.
    assert!(went_on.get() > LIVES, "{}", went_on.get());
}

fn builds_up() -> impl Strategy<Value = Action> {
    let amount = || (100i64..200_000).prop_map(|cents| Decimal::new(cents, 2));
    prop_oneof![
        4 => money(),
        1 => Just(Action::PayOff),
        1 => Just(Action::EndOfDay),
        1 => (amount(), any::<bool>()).prop_map(|(amount, paid)| Action::Refund { amount, paid }),
    ]
}

/// Whether a packed loan takes an operation; if it does, it becomes what the whole loan becomes.
fn goes_on(
    loan: &Loan,
    one: &Operation,
    next: &Result<Loan, ServicingError>,
) -> Result<bool, TestCaseError> {
    let bytes = loan.pack().unwrap();
    let packed = Loan::unpack(&bytes, &mut Shapes::default()).unwrap();
    prop_assert_eq!(&seen(&packed), &seen(loan));
    prop_assert_eq!(packed.recorded(), loan.recorded());
    prop_assert_eq!(packed.transactions_made(), loan.transactions_made());
    prop_assert_eq!(packed.movements_posted(), loan.movements_posted());
    prop_assert_eq!(packed.pack().unwrap(), bytes);
    if packed.needs_history(one) {
        prop_assert_eq!(packed.apply(one).unwrap_err(), ServicingError::NeedsHistory);
        return Ok(false);
    }
    let went = packed.clone().apply(one);
    let (Ok(went), Ok(next)) = (&went, next) else {
        prop_assert_eq!(went.err(), next.clone().err());
        return Ok(false);
    };
    let paid = |before: &Loan, now: &Loan| now.allocations_since(&before.mark()).unwrap();
    prop_assert_eq!(paid(&packed, went), paid(loan, next));
    prop_assert_eq!(went.difference_from(&packed), next.difference_from(loan));
    prop_assert_eq!(&seen(went), &seen(next));
    prop_assert_eq!(went.pack().unwrap(), next.pack().unwrap());
    Ok(loan.recorded() > 0)
}

proptest! {
    #![proptest_config(tried(LIVES))]

    #[test]
    fn what_is_told_adds_up_to_what_stands(Life { terms, operations } in life()) {
        let mut loan = Loan::open(terms).unwrap();
        let mut told: Vec<(u32, u32, Amounts)> = Vec::new();
        for one in &operations {
            let mark = loan.mark();
            let Ok(next) = loan.clone().apply(one) else { continue };
            loan = next;
            for (id, part) in loan.allocations_since(&mark).unwrap() {
                match told.iter_mut().find(|one| one.0 == id && one.1 == part.line) {
                    Some(one) => one.2 = one.2.plus(&part.amounts).unwrap(),
                    None => told.push((id, part.line, part.amounts)),
                }
            }
        }
        for one in loan.transactions() {
            let mut all = told.iter().filter(|part| part.0 == one.id);
            let all = all.try_fold(Amounts::ZERO, |sum, part| sum.plus(&part.2)).unwrap();
            let mut paid = one.allocations.iter().filter(|_| one.stands());
            let paid = paid.try_fold(Amounts::ZERO, |sum, part| sum.plus(&part.amounts)).unwrap();
            prop_assert_eq!(all, paid, "{:?}", one);
        }
    }

    #[test]
    fn spoiled_bytes_are_refused(at in 0usize..2_000, bit in 0u8..8, end in 0usize..2_000) {
        let bytes = served().pack().unwrap();
        let mut spoiled = bytes.clone();
        let at = at % bytes.len();
        spoiled[at] ^= 1 << bit;
        prop_assert!(Loan::unpack(&spoiled, &mut Shapes::default()).is_err());
        let cut = &bytes[..end % bytes.len()];
        prop_assert!(Loan::unpack(cut, &mut Shapes::default()).is_err());
        // Nor does a made-up check let anything in that is not bounded.
        let end = spoiled.len() - CHECK_BYTES;
        let made_up = check(&spoiled[..end]).to_le_bytes();
        spoiled[end..].copy_from_slice(&made_up);
        let _ = Loan::unpack(&spoiled, &mut Shapes::default());
    }
}

/// Beside the shape of its product, which is some 380 bytes more: also where an instalment is past
/// due, so that lines and calculator are kept twice.
#[test]
fn what_a_loan_of_three_years_has_of_its_own_takes_less_than_half_a_kilobyte() {
    let bytes = served().pack().unwrap();
    let loan = Loan::unpack(&bytes, &mut Shapes::default()).unwrap();
    assert!(loan.bare.is_some());
    let shape = loan.past.shape.as_ref().unwrap().len();
    let own = bytes.len() - shape;
    assert!((400..500).contains(&own), "{own} bytes of its own, {shape} of its product");
    assert_eq!(loan.lines(), served().lines());
}

#[test]
fn what_needs_history_is_refused_by_name() {
    let packed = Loan::unpack(&served().pack().unwrap(), &mut Shapes::default()).unwrap();
    let needs = |operation: serde_json::Value| {
        let operation = Operation::from_json(operation).unwrap();
        let refused = packed.clone().apply(&operation) == Err(ServicingError::NeedsHistory);
        assert_eq!(refused, packed.needs_history(&operation), "{operation:?}");
        refused
    };
    assert!(!needs(json!({"type": "repay", "on": "2024-05-02", "amount": 31})));
    assert!(!needs(json!({"type": "pay_off", "on": "2024-05-02"})));
    assert!(!needs(json!({"type": "end_of_day", "on": "2024-05-02"})));
    assert!(needs(json!({"type": "repay", "on": "2024-04-02", "amount": 31})));
    assert!(needs(json!({"type": "reverse", "on": "2024-05-02", "of": "one"})));
    assert!(needs(json!({"type": "change_rate", "on": "2024-05-02", "annual_rate": "0.1"})));
    assert!(packed.save().is_err());
}
