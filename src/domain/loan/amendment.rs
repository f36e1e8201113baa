//! What is agreed anew while a schedule runs, as far as its periods are concerned.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::basis::days;
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
    /// Stretches of days without interest, of schedules that are computed as a whole.
    pub(crate) pauses: Vec<Pause>,
}

/// Days on which no interest is borne, from the day after an evening to the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pause {
    /// The evening before the first day.
    pub(crate) evening: NaiveDate,
    /// The last day.
    pub(crate) last: NaiveDate,
}

impl Pause {
    /// Whether it lies, in part, between two evenings.
    pub(crate) fn touches(&self, from: NaiveDate, until: NaiveDate) -> bool {
        self.evening < until && from < self.last
    }
}

/// The days between two evenings that bear interest, in spite of pauses that do not overlap.
pub(crate) fn days_borne(pauses: &[Pause], from: NaiveDate, until: NaiveDate) -> i64 {
    let touching = pauses.iter().filter(|pause| pause.touches(from, until));
    let paused = touching.map(|pause| days(pause.evening.max(from), pause.last.min(until)));
    days(from, until) - paused.sum::<i64>()
}

impl Amendments {
    /// Nothing.
    pub(crate) const NONE: Self = Self { moves: Vec::new(), extra: 0, pauses: Vec::new() };

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
