//! The periods of a loan: from when to when interest runs, and when it is paid.

use chrono::NaiveDate;

use super::ScheduleError;
use super::amendment::{Amendments, Move};
use super::basis::{Measure, Span, Whole, days, regular_units};
use super::context::Context;
use super::terms::{Problem, ScheduleTerms};
use crate::domain::calendar::{
    BusinessCalendar, BusinessDayConvention, Frequency, Recurrence, RollRule, ShiftOrder, add_days,
    adjust,
};

/// One period of the plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlannedPeriod {
    /// From when to when interest runs.
    pub(crate) span: Span,
    /// The day the instalment is due.
    pub(crate) due: NaiveDate,
}

/// All periods, and how parts of them are measured.
pub(crate) struct Plan {
    pub(crate) periods: Vec<PlannedPeriod>,
    pub(crate) measure: Measure,
    calendar: BusinessCalendar,
    end_of_month: bool,
}

/// A due date as it is planned and as it falls.
struct DueDate {
    planned: NaiveDate,
    moved: NaiveDate,
    /// Whether it was agreed anew, so that its period need not be a regular one.
    amended: bool,
}

impl Plan {
    /// The periods of valid terms.
    pub(crate) fn of(terms: &ScheduleTerms) -> Result<Self, ScheduleError> {
        Self::amended(terms, &Amendments::NONE)
    }

    /// The periods of terms that already say how many instalments there are, with due dates that
    /// moved.
    pub(crate) fn amended(
        terms: &ScheduleTerms,
        amendments: &Amendments,
    ) -> Result<Self, ScheduleError> {
        let start = terms.starts_on.unwrap_or(terms.disbursed_on);
        let calendar = terms.due_dates.calendar()?;
        let dates = due_dates(terms, amendments, start, &calendar)?;
        let first = dates.first().map_or(start, |date| date.planned);
        let seeds: &[NaiveDate] = match terms.due_dates.roll {
            // The start is not among the n-th weekdays of months.
            RollRule::NthWeekday { .. } => &[first],
            _ => &[start, first],
        };
        let context = Context::of(&terms.rounding);
        let measure = Measure::new(terms.frequency, terms.due_dates.roll, seeds, context)?;
        let follows = terms.due_dates.business_day.order == ShiftOrder::ShiftThenCalculate;
        let regular = regular_units(terms.frequency);

        let regularity = Regularity::of(terms);
        let count = dates.len();
        let mut periods = Vec::with_capacity(count);
        let mut from = DueDate { planned: start, moved: start, amended: false };
        for (index, date) in dates.into_iter().enumerate() {
            let (begin, end) =
                if follows { (from.moved, date.moved) } else { (from.planned, date.planned) };
            if end <= begin {
                let message = format!("two instalments fall on {end}");
                let agreed = amendments.moves.is_empty();
                let path = if agreed { "due_dates.business_day" } else { "due_dates" };
                return Err(contradiction(path, message));
            }
            let moved = begin != from.planned || end != date.planned;
            let units = if !moved && !date.amended && regularity.holds(index, count) {
                regular
            } else {
                measure.units(begin, end)?
            };
            let span = Span { start: begin, due: end, units };
            periods.push(PlannedPeriod { span, due: date.moved });
            from = date;
        }
        check_disbursements(terms, &periods)?;
        let end_of_month = terms.due_dates.roll == RollRule::LastDay;
        Ok(Self { periods, measure, calendar, end_of_month })
    }

    /// What day-count standards may ask of the loan.
    pub(crate) fn whole(&self) -> Whole<'_> {
        let start = self.periods.first().map_or(NaiveDate::MIN, |period| period.span.start);
        let end = self.periods.last().map_or(NaiveDate::MIN, |period| period.span.due);
        Whole { start, end, end_of_month: self.end_of_month, calendar: Some(&self.calendar) }
    }
}

/// Where regular periods lie in a loan: which of them the frequency alone makes.
struct Regularity {
    /// Whether periods follow a frequency at all.
    any: bool,
    /// Whether the first does.
    first: bool,
    /// Whether the last does.
    last: bool,
}

impl Regularity {
    fn of(terms: &ScheduleTerms) -> Self {
        // Given days of the month and n-th weekdays need not be a whole period from the start.
        let on_own_days = matches!(terms.due_dates.roll, RollRule::NthWeekday { .. })
            || matches!(terms.frequency, Frequency::SemiMonthly(_));
        Self {
            any: terms.due_dates.explicit.is_empty(),
            first: terms.first_due_on.is_none() && !on_own_days,
            last: terms.last_due_on.is_none(),
        }
    }

    fn holds(&self, index: usize, count: usize) -> bool {
        self.any && (index > 0 || self.first) && (index + 1 < count || self.last)
    }
}

/// The due dates of the terms, planned and moved to business days.
fn due_dates(
    terms: &ScheduleTerms,
    amendments: &Amendments,
    start: NaiveDate,
    calendar: &BusinessCalendar,
) -> Result<Vec<DueDate>, ScheduleError> {
    let rule = &terms.due_dates;
    if !rule.explicit.is_empty() {
        return explicit_dates(&rule.explicit, amendments);
    }
    let seed = terms.first_due_on.unwrap_or(start);
    let mut series = Recurrence::new(seed, terms.frequency, rule.roll)?;
    // The seed is the first due date if that is given, else the start, which is none.
    let mut number = i64::from(terms.first_due_on.is_none());
    let count = usize::try_from(terms.instalments).unwrap_or(usize::MAX);
    let mut later = 0;
    let mut dates = Vec::with_capacity(count);
    for index in 0..count {
        let natural = series.date(number)?;
        let (mut agreed, mut amended) = (None, false);
        for (_, moved) in amendments.moves.iter().filter(|(period, _)| *period == index) {
            amended = true;
            match *moved {
                Move::To(day) => {
                    series = Recurrence::new(day, terms.frequency, rule.roll)?;
                    (number, agreed) = (0, Some(day));
                }
                Move::After(day) => {
                    while series.date(number)? <= day {
                        number += 1;
                    }
                    agreed = agreed.filter(|agreed| *agreed > day);
                }
            }
        }
        let mut planned = series.date(number)?;
        later += days(natural, planned);
        if index + 1 == count
            && let Some(last) = terms.last_due_on
        {
            planned = match agreed {
                Some(day) => day,
                None => add_days(last, later)?,
            };
        }
        let moved = match rule.business_day.convention {
            BusinessDayConvention::None => planned,
            // A day that was agreed is meant.
            _ if agreed.is_some() => planned,
            convention => adjust(planned, convention, calendar)?,
        };
        dates.push(DueDate { planned, moved, amended });
        number += 1;
    }
    if let [.., before, last] = dates.as_slice()
        && last.planned <= before.planned
    {
        return Err(contradiction(
            "last_due_on",
            format!("{} is not after the instalment due on {}", last.planned, before.planned),
        ));
    }
    Ok(dates)
}

/// Due dates that follow no frequency: one that moves takes the later ones along by as many days.
fn explicit_dates(
    explicit: &[NaiveDate],
    amendments: &Amendments,
) -> Result<Vec<DueDate>, ScheduleError> {
    let mut later = 0;
    let mut dates = Vec::with_capacity(explicit.len());
    for (index, &on) in explicit.iter().enumerate() {
        let mut planned = add_days(on, later)?;
        for (_, moved) in amendments.moves.iter().filter(|(period, _)| *period == index) {
            match *moved {
                Move::To(day) => {
                    later += days(planned, day);
                    planned = day;
                }
                Move::After(_) => {
                    return Err(ScheduleError::NoSolution {
                        reason: "Due dates that follow no frequency have none further on.".into(),
                    });
                }
            }
        }
        dates.push(DueDate { planned, moved: planned, amended: false });
    }
    Ok(dates)
}

/// Money is lent before the last instalment is due.
fn check_disbursements(
    terms: &ScheduleTerms,
    periods: &[PlannedPeriod],
) -> Result<(), ScheduleError> {
    let end = periods.last().map_or(terms.disbursed_on, |period| period.span.due);
    if terms.disbursed_on >= end {
        let message = format!("{} is not before the last due date {end}", terms.disbursed_on);
        return Err(contradiction("disbursed_on", message));
    }
    for (at, tranche) in terms.disbursements.iter().enumerate() {
        if tranche.on >= end {
            return Err(contradiction(
                &format!("disbursements[{at}].on"),
                format!("{} is not before the last due date {end}", tranche.on),
            ));
        }
    }
    Ok(())
}

fn contradiction(path: &str, message: String) -> ScheduleError {
    ScheduleError::Terms(vec![Problem { path: path.into(), message }])
}
