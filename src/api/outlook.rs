//! What a loan looks like at the end of a day.

use pgrx::prelude::*;

use super::packed::unpacked;
use super::servicing::{Shown, day, read_state};
use crate::domain::loan::servicing::Loan;
use crate::pg::{Day, Document, Num, OrRefuse};

/// A function that tells the outlook of a state given in one of its forms.
macro_rules! outlook_of {
    ($name:ident, $read:expr, $($form:tt)+) => {
        #[pg_extern(immutable, parallel_safe)]
        #[allow(clippy::type_complexity)]
        fn $name(
            state: $($form)+,
            on_date: Day,
        ) -> TableIterator<
            'static,
            (
                name!(status, &'static str),
                name!(principal, Num),
                name!(interest, Num),
                name!(fees, Num),
                name!(penalties, Num),
                name!(outstanding, Num),
                name!(overpaid, Num),
                name!(maturity, Option<Day>),
                name!(closed_on, Option<Day>),
                name!(charged_off_on, Option<Day>),
                name!(days_past_due, i32),
                name!(oldest_unpaid, Option<Day>),
                name!(overdue, Num),
                name!(overdue_principal, Num),
                name!(next_due, Option<Day>),
                name!(next_due_amount, Num),
                name!(interest_earned, Num),
                name!(fees_earned, Num),
                name!(penalties_earned, Num),
                name!(interest_settled, Num),
                name!(fees_settled, Num),
                name!(penalties_settled, Num),
                name!(earned_base, Num),
                name!(earned_per_day, Num),
                name!(holds_until, Option<Day>),
                name!(needs_end_of_day, bool),
            ),
        > {
            let loan: Loan = $read(state);
            let shown = Shown::of(&loan);
            let found = loan.outlook(on_date.0).or_refuse();
            TableIterator::once((
                found.status.name(),
                shown.amount(found.outstanding.principal),
                shown.amount(found.outstanding.interest),
                shown.amount(found.outstanding.fee),
                shown.amount(found.outstanding.penalty),
                shown.total(&found.outstanding),
                shown.amount(found.overpaid),
                day(found.maturity),
                day(found.closed_on),
                day(found.charged_off_on),
                found.days_past_due() as i32,
                day(found.oldest_unpaid),
                shown.amount(found.overdue),
                shown.amount(found.overdue_principal),
                day(found.next_due),
                shown.amount(found.next_due_amount),
                shown.amount(found.earned.interest),
                shown.amount(found.earned.fee),
                shown.amount(found.earned.penalty),
                shown.amount(found.settled.interest),
                shown.amount(found.settled.fee),
                shown.amount(found.settled.penalty),
                shown.amount(found.base),
                shown.amount(found.per_day),
                day(found.until),
                found.needs_end_of_day,
            ))
        }
    };
}

outlook_of!(loan_outlook, read_state, Document);
outlook_of!(_loan_outlook, unpacked, &[u8]);
