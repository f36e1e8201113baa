//! The schedule as the source shows it: a row for each disbursement and each line of ours.

use chrono::NaiveDate;
use loan_engine::domain::loan::servicing::{ChargeTiming, Line, Loan, LoanStatus, TransactionKind};
use loan_engine::domain::loan::terms::{FeeBasis, RoundingFamily};
use rust_decimal::Decimal;

use crate::schedule::show;

/// One row; what a kind of row does not have is none.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub number: Option<u32>,
    pub days: Option<i64>,
    pub due_date: NaiveDate,
    pub paid_date: Option<NaiveDate>,
    pub balance: Decimal,
    pub principal: Option<Decimal>,
    pub interest: Option<Decimal>,
    pub fees: Decimal,
    pub penalties: Option<Decimal>,
    pub due: Decimal,
    pub paid: Option<Decimal>,
    pub in_advance: Option<Decimal>,
    pub late: Option<Decimal>,
    pub waived: Option<Decimal>,
    pub outstanding: Option<Decimal>,
}

/// Money that was lent, or is to be.
struct Lent {
    on: NaiveDate,
    amount: Decimal,
    is_lent: bool,
}

/// All rows, in the order shown.
pub fn rows(loan: &Loan) -> Result<Vec<Row>, String> {
    let mut lent = disbursements(loan);
    let first = lent.first().map_or(NaiveDate::MIN, |one| one.on);
    let progressive = loan.terms().schedule.rounding.family == RoundingFamily::Progressive;
    let (mut rows, mut balance) = (Vec::new(), Decimal::ZERO);
    if lent.len() == 1 {
        // A single disbursement is shown first, wherever it falls.
        for one in lent.drain(..) {
            balance += one.amount;
            rows.push(disbursement_row(loan, &one));
        }
    }
    for line in loan.lines() {
        let (from, due) = (line.period_start, line.due_date);
        let shown = |one: &Lent| {
            let within = if progressive {
                from <= one.on && one.on < due
            } else {
                from < one.on && one.on <= due
            };
            within || (one.on == from && (from == first || from == due))
        };
        for one in lent.extract_if(.., |one| shown(one)) {
            balance += one.amount;
            rows.push(disbursement_row(loan, &one));
        }
        balance += line.credited.principal - line.charged.principal;
        rows.push(line_row(line, balance)?);
    }
    Ok(rows)
}

/// What was lent in the order lent, or the amount agreed while nothing is.
fn disbursements(loan: &Loan) -> Vec<Lent> {
    let mut all: Vec<(NaiveDate, u32, Decimal)> = loan
        .transactions()
        .iter()
        .filter(|one| one.stands() && one.kind == TransactionKind::Disbursement)
        .map(|one| (one.on, one.id, one.amount))
        .collect();
    all.sort_unstable();
    if loan.status() == LoanStatus::Approved {
        let terms = &loan.terms().schedule;
        return vec![Lent { on: terms.disbursed_on, amount: terms.principal, is_lent: false }];
    }
    all.into_iter().map(|(on, _, amount)| Lent { on, amount, is_lent: true }).collect()
}

fn disbursement_row(loan: &Loan, lent: &Lent) -> Row {
    let fees = fees_at_disbursement(loan, Some(lent.on));
    Row {
        due_date: lent.on,
        balance: lent.amount,
        fees,
        due: fees,
        paid: lent.is_lent.then_some(fees),
        outstanding: (!lent.is_lent).then_some(fees),
        ..Row::default()
    }
}

/// Fees withheld from disbursements: of all, or those shown with the disbursement of a day.
pub fn fees_at_disbursement(loan: &Loan, on: Option<NaiveDate>) -> Decimal {
    loan.charges()
        .iter()
        .filter(|one| one.active && one.timing == ChargeTiming::AtDisbursement)
        .filter(|one| {
            // A fee of a tranche is shown with it, others with every disbursement.
            on.is_none() || one.basis != FeeBasis::Disbursement || one.due_on == on
        })
        .map(|one| one.amount - one.waived)
        .sum()
}

fn line_row(line: &Line, balance: Decimal) -> Result<Row, String> {
    Ok(Row {
        number: Some(line.number),
        days: Some((line.due_date - line.period_start).num_days()),
        due_date: line.due_date,
        paid_date: line.settled_on,
        balance,
        principal: Some(line.charged.principal),
        interest: Some(line.charged.interest),
        fees: line.charged.fee,
        penalties: Some(line.charged.penalty),
        due: line.charged.total().map_err(show)?,
        paid: Some(line.paid.total().map_err(show)?),
        in_advance: Some(line.paid_in_advance),
        late: Some(line.paid_late),
        waived: Some(line.waived.total().map_err(show)?),
        outstanding: Some(line.outstanding().and_then(|owed| owed.total()).map_err(show)?),
    })
}
