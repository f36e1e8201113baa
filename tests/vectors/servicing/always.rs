//! What holds after every step, whatever a case expects.

use loan_engine::domain::loan::servicing::{Amounts, Loan, TransactionKind};
use rust_decimal::Decimal;

use crate::schedule::show;

/// Everything that does not hold.
pub fn broken(loan: &Loan) -> Result<Vec<String>, String> {
    let mut broken = Vec::new();
    for line in loan.lines() {
        // Of one component more may be paid than is asked for, and of another less, where a
        // charge-off changed what is asked for after it was paid.
        let owed = line.outstanding().and_then(|owed| owed.total()).map_err(show)?;
        if owed < Decimal::ZERO {
            broken.push(format!("line {} owes {owed}", line.number));
        }
    }
    for one in loan.transactions() {
        let posted = loan.journal().iter().filter(|movement| movement.transaction == one.id);
        let balance: Decimal = posted.map(|movement| movement.debit - movement.credit).sum();
        if balance != Decimal::ZERO {
            broken.push(format!("entries of transaction {} are off by {balance}", one.id));
        }
        if !one.stands() || !one.kind.is_payment() {
            continue;
        }
        let parts = one.portions.total().map_err(show)? + one.overpaid;
        if parts != one.amount {
            broken.push(format!("parts of transaction {} are {parts} of {}", one.id, one.amount));
        }
        let mut allocated = Amounts::ZERO;
        for part in &one.allocations {
            allocated = allocated.plus(&part.amounts).map_err(show)?;
        }
        // What is withheld from a disbursement is in no line.
        let withheld = one.kind == TransactionKind::RepaymentAtDisbursement;
        if allocated != one.portions && !withheld {
            broken.push(format!(
                "transaction {} paid {allocated:?} of lines, {:?} in all",
                one.id, one.portions
            ));
        }
    }
    Ok(broken)
}
