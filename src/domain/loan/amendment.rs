//! What is agreed anew while a schedule runs, as far as its periods are concerned.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::terms::{Levelling, RoundingFamily, ScheduleTerms};

/// How a due date moves. Later ones move along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// To another day, from which later ones are counted.
    To(NaiveDate),
    /// To the next day of its series after a day.
    After(NaiveDate),
}

/// What is agreed anew, in the order it was agreed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amendments {
    /// Periods, counted from zero, whose due dates move.
    pub(crate) moves: Vec<(usize, Move)>,
    /// Instalments added at the end.
    pub(crate) extra: u32,
}

impl Amendments {
    /// Nothing.
    pub(crate) const NONE: Self = Self { moves: Vec::new(), extra: 0 };

    /// The terms with what they can say themselves: how many instalments there are, and that those
    /// of moved due dates are not levelled, since the last one takes what the moving makes.
    pub(crate) fn terms<'a>(&self, agreed: &'a ScheduleTerms) -> Cow<'a, ScheduleTerms> {
        let mut terms = Cow::Borrowed(agreed);
        if self.extra > 0 {
            let more = terms.to_mut();
            more.instalments = more.instalments.saturating_add(self.extra);
            more.last_due_on = None;
        }
        if agreed.rounding.family == RoundingFamily::Progressive && !self.moves.is_empty() {
            terms.to_mut().rounding.levelling = Some(Levelling::Off);
        }
        terms
    }
}
