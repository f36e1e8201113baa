use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::domain::loan::servicing::properties::{Life, life, tried};
use crate::domain::loan::servicing::state::movement::Account;
use crate::domain::loan::servicing::{Component, Loan, LoanStatus, TransactionKind};

/// What is debited less what is credited, by account.
fn balances(loan: &Loan) -> BTreeMap<Account, Decimal> {
    let mut all = BTreeMap::new();
    for one in loan.journal() {
        *all.entry(one.account).or_default() += one.debit - one.credit;
    }
    all
}

proptest! {
    #![proptest_config(tried(1_000))]

    /// Every transaction balances, one that was reversed moves nothing in the end, and accounts
    /// hold what the loan says is owed and held.
    #[test]
    fn accounts_hold_what_is_owed(Life { terms, operations } in life()) {
        let mut loan = Loan::open(terms).unwrap();
        for operation in &operations {
            let Ok(next) = loan.clone().apply(operation) else { continue };
            loan = next;
            for one in loan.transactions() {
                let mut net: BTreeMap<Account, Decimal> = BTreeMap::new();
                for posted in loan.journal().iter().filter(|posted| posted.transaction == one.id) {
                    prop_assert!(posted.debit.is_zero() != posted.credit.is_zero());
                    *net.entry(posted.account).or_default() += posted.debit - posted.credit;
                }
                prop_assert_eq!(net.values().sum::<Decimal>(), Decimal::ZERO, "{:?}", one);
                if !one.stands() {
                    prop_assert!(net.values().all(Decimal::is_zero), "{:?}", one);
                }
            }
            let held = balances(&loan);
            let of = |account| held.get(&account).copied().unwrap_or_default();
            prop_assert_eq!(of(Account::Overpayment), -loan.overpaid(), "{:?}", operation);
            if loan.charged_off_on().is_none() && loan.status() != LoanStatus::Approved {
                let assets = [
                    (Account::Principal, Component::Principal),
                    (Account::InterestReceivable, Component::Interest),
                    (Account::FeeReceivable, Component::Fee),
                    (Account::PenaltyReceivable, Component::Penalty),
                ];
                for (account, part) in assets {
                    prop_assert_eq!(of(account), left_of(&loan, part), "{:?} {:?}", account, operation);
                }
            }
        }
    }
}

/// What of a component was lent, recognised or owed again, and neither paid nor given up.
fn left_of(loan: &Loan, part: Component) -> Decimal {
    let standing = loan.transactions().iter().filter(|one| one.stands());
    let recognised: Decimal = standing
        .map(|one| match one.kind {
            TransactionKind::Disbursement | TransactionKind::CapitalisedIncome => {
                if part == Component::Principal { one.amount } else { Decimal::ZERO }
            }
            TransactionKind::Accrual => one.portions[part],
            TransactionKind::AccrualAdjustment
            | TransactionKind::InterestWaiver
            | TransactionKind::ChargeWaiver
            | TransactionKind::WriteOff => -one.portions[part],
            _ => Decimal::ZERO,
        })
        .sum();
    let moved = loan.lines().iter().map(|line| line.credited[part] - line.paid[part]);
    recognised + moved.sum::<Decimal>()
}
