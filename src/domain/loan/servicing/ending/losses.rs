//! What holds when a loan is taken for lost, ended or given up.

use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::super::properties::tried;
use super::super::terms::*;
use super::super::*;
use crate::domain::loan::ScheduleTerms;
use crate::domain::loan::terms::{FeeBasis, RoundingFamily};

fn day(offset: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + Days::new(u64::from(offset))
}

fn operation(offset: u32, id: &str, action: Action) -> Operation {
    Operation { on: day(offset), recorded_on: None, id: Some(id.into()), currency: None, action }
}

fn repay(amount: Decimal) -> Action {
    Action::Repay { amount, kind: PaymentKind::Repayment }
}

/// A loan, shown as the JSON it can be played from.
#[derive(Clone)]
struct Served(Loan);

impl std::fmt::Debug for Served {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let json = |value: serde_json::Result<String>| value.unwrap_or_default();
        writeln!(out, "{}", json(serde_json::to_string(self.0.terms())))?;
        let taken = self.0.operations().iter().map(|one| &one.operation);
        taken.map(|one| json(serde_json::to_string(one))).try_for_each(|one| writeln!(out, "{one}"))
    }
}

/// A loan that was paid and charged now and then, and the day after the last of it.
fn served() -> impl Strategy<Value = (Served, u32)> {
    let terms = (
        10_000i64..1_000_000,
        prop_oneof![Just("0"), Just("0.07"), Just("0.26")],
        1u32..8,
        prop_oneof![Just(Recalculation::None), Just(Recalculation::Daily)],
        prop_oneof![Just(FutureRule::Next), Just(FutureRule::Last), Just(FutureRule::Reamortise)],
        prop_oneof![
            Just(ChargeOffBehaviour::Regular),
            Just(ChargeOffBehaviour::ZeroInterest),
            Just(ChargeOffBehaviour::Accelerate),
        ],
        any::<bool>(),
    );
    let paid = proptest::collection::btree_map(0u32..150, 1_000i64..100_000, 0..4);
    let charged = proptest::option::of((0u32..250, 100i64..5_000));
    (terms, paid, charged, 0u32..60).prop_filter_map("paid off", |(terms, paid, charged, more)| {
        let (cents, rate, instalments, interest, future, behaviour, progressive) = terms;
        let principal = Decimal::new(cents, 2);
        let mut schedule =
            ScheduleTerms::new(principal, rate.parse().unwrap(), instalments, day(0));
        if !progressive {
            schedule.rounding.family = RoundingFamily::Cumulative;
        }
        let mut terms = LoanTerms::new(schedule);
        terms.servicing.charge_off = behaviour;
        terms.servicing.allocation.default.future = future;
        terms.servicing.recalculation.interest = interest;
        let mut loan = Loan::open(terms).unwrap();
        let lent = operation(0, "lent", Action::Disburse { amount: principal });
        loan = loan.apply(&lent).unwrap();
        if let Some((due, cents)) = charged {
            let action = Action::Charge {
                name: "charge".into(),
                value: Decimal::new(cents, 2),
                basis: FeeBasis::Flat,
                timing: ChargeTiming::OnDate,
                due_on: Some(day(due)),
                penalty: false,
            };
            loan = loan.apply(&operation(0, "charged", action)).unwrap();
        }
        for (&offset, &cents) in &paid {
            let amount = Decimal::new(cents, 2);
            loan =
                loan.apply(&operation(offset, &format!("paid {offset}"), repay(amount))).unwrap();
        }
        let last = paid.keys().max().copied().unwrap_or_default();
        (loan.status() == LoanStatus::Active).then_some((Served(loan), last + more))
    })
}

fn charge_off(offset: u32) -> Operation {
    operation(offset, "charge-off", Action::ChargeOff { reason: None, fraud: false })
}

/// The loan as it is on a day without anything done on it but looking at it.
fn seen(loan: &Loan, offset: u32) -> Loan {
    let look = operation(offset, "look", Action::PauseDelinquency { to: day(offset) });
    loan.clone().apply(&look).unwrap()
}

fn charged(loan: &Loan) -> Amounts {
    loan.lines().iter().try_fold(Amounts::ZERO, |sum, line| sum.plus(&line.charged)).unwrap()
}

/// What is shown of the lines.
fn shown(loan: &Loan) -> Vec<(NaiveDate, Amounts, Amounts, Amounts, Option<NaiveDate>)> {
    let of = |line: &Line| (line.due_date, line.charged, line.paid, *line.waived, line.settled_on);
    loan.lines().iter().map(of).collect()
}

proptest! {
    #![proptest_config(tried(300))]

    /// What is owed of principal and charges stays, and no more interest is asked for than before,
    /// but what was earned by the day and would have been asked for later.
    #[test]
    fn a_charge_off_moves_no_principal((Served(loan), offset) in served()) {
        let before = seen(&loan, offset);
        let after = loan.apply(&charge_off(offset)).unwrap();
        let (owed_before, owed) = (before.outstanding().unwrap(), after.outstanding().unwrap());
        prop_assert_eq!(owed.principal, owed_before.principal);
        prop_assert_eq!((owed.fee, owed.penalty), (owed_before.fee, owed_before.penalty));
        prop_assert_eq!(charged(&after).principal, charged(&before).principal);
        prop_assert_eq!(charged(&after).fee, charged(&before).fee);
        let off = after.transactions().iter().find(|one| one.kind == TransactionKind::ChargeOff);
        prop_assert_eq!(off.map(|one| one.portions), Some(owed));
        let behaviour = after.terms().servicing.charge_off;
        if behaviour == ChargeOffBehaviour::Regular || before.model.is_none() {
            prop_assert_eq!(shown(&after), shown(&before));
        } else if !before.follows_payments() {
            prop_assert!(owed.interest <= owed_before.interest, "{:?}", after.lines());
        }
        for line in after.lines() {
            prop_assert!(line.outstanding().unwrap().total().unwrap() >= Decimal::ZERO);
            prop_assert_eq!(line.settled_on.is_some(), line.owes_nothing().unwrap());
        }
        for line in after.lines().iter().filter(|_| after.model.is_some()) {
            let open = line.outstanding_of(Component::Interest).unwrap();
            match behaviour {
                ChargeOffBehaviour::Regular => {}
                ChargeOffBehaviour::ZeroInterest => {
                    prop_assert!(line.period_start <= day(offset) || open.is_zero());
                }
                ChargeOffBehaviour::Accelerate => {
                    let only_charges = (line.charged.principal + line.charged.interest).is_zero();
                    prop_assert!(line.due_date <= day(offset) || only_charges);
                }
            }
        }
    }

    /// Undoing restores everything but what was recognised.
    #[test]
    fn an_undone_charge_off_leaves_nothing((Served(loan), offset) in served()) {
        let before = seen(&loan, offset);
        let off = before.clone().apply(&charge_off(offset)).unwrap();
        let undone = off.apply(&operation(offset, "undo", Action::UndoChargeOff)).unwrap();
        prop_assert_eq!(shown(&undone), shown(&before));
        prop_assert_eq!(undone.charged_off_on(), None);
        prop_assert_eq!(undone.status(), before.status());
    }

    /// No interest comes after: what is outstanding ends the loan on any later day.
    #[test]
    fn what_is_outstanding_ends_a_loan_that_is_charged_off_or_ended(
        (Served(loan), offset) in served(), later in 0u32..400, ended in any::<bool>(),
    ) {
        let action = if ended {
            Action::Terminate
        } else {
            Action::ChargeOff { reason: None, fraud: false }
        };
        let lost = loan.apply(&operation(offset, "lost", action)).unwrap();
        let owed = lost.outstanding().unwrap().total().unwrap();
        let lost = seen(&lost, offset + later);
        prop_assert_eq!(lost.outstanding().unwrap().total().unwrap(), owed);
        let paid = lost.apply(&operation(offset + later, "paid", repay(owed))).unwrap();
        prop_assert_eq!(paid.status(), LoanStatus::Closed, "{:?}", paid.lines());
    }

    /// Everything but charges that fall due later falls due on the day.
    #[test]
    fn the_end_of_a_contract_lets_everything_fall_due((Served(loan), offset) in served()) {
        let before = seen(&loan, offset);
        let end = operation(offset, "end", Action::Terminate);
        let ended = loan.apply(&end).unwrap();
        prop_assert_eq!(charged(&ended).principal, charged(&before).principal);
        prop_assert_eq!(charged(&ended).fee, charged(&before).fee);
        for line in ended.lines() {
            let only_charges = (line.charged.principal + line.charged.interest).is_zero();
            prop_assert!(line.due_date <= day(offset) || only_charges, "{:?}", ended.lines());
        }
        let back = operation(offset, "back", Action::Reverse { of: "end".into(), only: None });
        prop_assert_eq!(shown(&ended.apply(&back).unwrap()), shown(&before));
    }

    /// A write-off leaves nothing owed, what is recovered is no more than it, and taking it back
    /// restores what was.
    #[test]
    fn a_write_off_gives_everything_up((Served(loan), offset) in served(), cents in 1i64..100_000) {
        let before = seen(&loan, offset);
        let owed = before.outstanding().unwrap();
        let lost = loan.apply(&operation(offset, "lost", Action::WriteOff)).unwrap();
        prop_assert_eq!(lost.status(), LoanStatus::WrittenOff);
        prop_assert!(lost.outstanding().unwrap().is_zero());
        let given_up = lost.transactions().iter().find(|one| one.kind == TransactionKind::WriteOff);
        prop_assert_eq!(given_up.map(|one| one.portions), Some(owed));
        let back = operation(offset, "back", Action::Reverse { of: "lost".into(), only: None });
        let restored = lost.clone().apply(&back).unwrap();
        prop_assert_eq!(shown(&restored), shown(&before));
        prop_assert_eq!(restored.status(), LoanStatus::Active);
        let amount = Decimal::new(cents, 2);
        let kind = PaymentKind::Recovery;
        let recovered = lost.clone().apply(&operation(offset, "got", Action::Repay { amount, kind }));
        prop_assert_eq!(recovered.is_ok(), amount <= owed.total().unwrap());
        if let Ok(recovered) = recovered {
            prop_assert_eq!(shown(&recovered), shown(&lost));
            prop_assert_eq!(recovered.status(), LoanStatus::WrittenOff);
        }
    }

    /// Interest that is waived is not owed, and no more can be waived than is owed.
    #[test]
    fn waived_interest_is_not_owed((Served(loan), offset) in served(), cents in 1i64..20_000) {
        let before = seen(&loan, offset);
        let (owed, amount) = (before.outstanding().unwrap(), Decimal::new(cents, 2));
        let waive = operation(offset, "waived", Action::WaiveInterest { amount });
        let waived = before.clone().apply(&waive);
        prop_assert_eq!(waived.is_ok(), amount <= owed.interest);
        if let Ok(waived) = waived {
            let left = waived.outstanding().unwrap();
            prop_assert_eq!(left.interest, owed.interest - amount, "{:?}", waived.lines());
            prop_assert_eq!(left.principal, owed.principal);
            let back = Action::Reverse { of: "waived".into(), only: None };
            let restored = waived.apply(&operation(offset, "back", back)).unwrap();
            prop_assert_eq!(shown(&restored), shown(&before));
        }
    }

    /// If everything lent is given back and the interest with it, what was paid is held.
    #[test]
    fn a_refund_of_everything_gives_all_interest_back((Served(loan), offset) in served()) {
        let mut terms = loan.terms().clone();
        terms.servicing.interest_refund = vec![TransactionKind::MerchantRefund];
        let lent = terms.schedule.principal;
        let dealt: Vec<Operation> =
            loan.operations().iter().map(|one| one.operation.clone()).collect();
        let loan = Loan::fold(terms, &dealt).unwrap();
        let paid: Decimal = loan.lines().iter().map(|line| line.paid.total().unwrap()).sum();
        let follows = loan.follows_payments() && loan.charges().is_empty();
        let action = Action::Repay { amount: lent, kind: PaymentKind::MerchantRefund };
        let refunded = loan.apply(&operation(offset, "refund", action)).unwrap();
        if follows {
            let owed = refunded.outstanding().unwrap().total().unwrap();
            prop_assert_eq!(refunded.overpaid() - owed, paid, "{:?}", refunded.lines());
        }
    }
}
