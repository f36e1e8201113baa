//! Entries of the journal under the names of the source's chart of accounts.

use loan_engine::domain::loan::servicing::{Account, Loan, Transaction};
use rust_decimal::Decimal;

/// One side of an entry: the account's type, code and name, and the amounts.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub account: (&'static str, &'static str, &'static str),
    pub debit: Decimal,
    pub credit: Decimal,
}

impl std::fmt::Display for Entry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, code, name) = self.account;
        let (debit, credit) = (self.debit.normalize(), self.credit.normalize());
        write!(formatter, "{kind} {code} {name} {debit} {credit}")
    }
}

/// The account of the chart that one of ours is posted to. Several share one.
pub fn account(account: Account) -> (&'static str, &'static str, &'static str) {
    const RECEIVABLE: (&str, &str, &str) = ("ASSET", "112603", "Interest/Fee Receivable");
    const FEES: (&str, &str, &str) = ("INCOME", "404007", "Fee Income");
    const FEES_LOST: (&str, &str, &str) = ("INCOME", "404008", "Fee Charge Off");
    match account {
        Account::FundSource => ("LIABILITY", "145023", "Suspense/Clearing account"),
        Account::Principal => ("ASSET", "112601", "Loans Receivable"),
        Account::InterestReceivable | Account::FeeReceivable | Account::PenaltyReceivable => {
            RECEIVABLE
        }
        Account::InterestIncome => ("INCOME", "404000", "Interest Income"),
        Account::FeeIncome | Account::PenaltyIncome => FEES,
        Account::Overpayment => ("LIABILITY", "l1", "Overpayment account"),
        Account::WriteOff => ("EXPENSE", "e4", "Written off"),
        Account::ChargeOffExpense => ("EXPENSE", "744007", "Credit Loss/Bad Debt"),
        Account::ChargeOffFraudExpense => ("EXPENSE", "744037", "Credit Loss/Bad Debt-Fraud"),
        Account::InterestIncomeChargeOff => ("INCOME", "404001", "Interest Income Charge Off"),
        Account::FeeIncomeChargeOff | Account::PenaltyIncomeChargeOff => FEES_LOST,
        Account::Recoveries => ("INCOME", "744008", "Recoveries"),
        Account::GoodwillExpense => ("EXPENSE", "744003", "Goodwill Expense Account"),
        Account::DeferredIncome => ("LIABILITY", "145024", "Deferred Capitalized Income"),
        Account::Suspense => ("ASSET", "A5", "Transfer in suspense account"),
    }
}

/// What a transaction posted, in the order posted.
pub fn entries(loan: &Loan, of: &Transaction) -> Vec<Entry> {
    let posted = loan.journal().iter().filter(|one| one.transaction == of.id);
    posted
        .map(|one| Entry { account: account(one.account), debit: one.debit, credit: one.credit })
        .collect()
}

/// Entries that follow each other on one side of one account of the chart, as one.
pub fn merged(entries: &[Entry]) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    for entry in entries {
        let is_debit = entry.debit > Decimal::ZERO;
        match all
            .iter_mut()
            .find(|one| one.account == entry.account && (one.debit > Decimal::ZERO) == is_debit)
        {
            Some(one) => {
                one.debit += entry.debit;
                one.credit += entry.credit;
            }
            None => all.push(entry.clone()),
        }
    }
    all
}
