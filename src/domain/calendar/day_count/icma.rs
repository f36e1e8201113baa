//! ACT/ACT ICMA: days measured against regular coupon periods.

use chrono::{Datelike, NaiveDate};

use super::{DayCount, DayCountContext, Fraction};
use crate::domain::calendar::CalendarError;
use crate::domain::calendar::civil::{
    clipped_day_number, day_number, is_last_day_of_month, month_index,
};

/// Longest coupon period; with it the products of days, months and lengths stay below 10^15.
const MONTHS_MAX: u16 = 120;

/// The regular coupon dates, real and notional, on which a schedule's own dates lie.
#[derive(Clone, Copy, Debug)]
struct Grid {
    /// Month index of a regular date.
    month: i32,
    /// Day of the month of the regular dates, 31 if they are month ends.
    day: u32,
    /// Months from one to the next.
    months: i32,
}

impl Grid {
    /// Day number of the regular date `steps` periods on. Always counted from one date, so that a
    /// short February on the way changes nothing.
    fn date(&self, steps: i32) -> i32 {
        clipped_day_number(self.month + steps * self.months, self.day)
    }

    /// The step of the regular date at or before `date`, and the part of a year between the two:
    /// days over (length of the period times coupons a year).
    fn part(&self, date: NaiveDate) -> (i64, Fraction) {
        let day = day_number(date);
        let near = (month_index(date) - self.month).div_euclid(self.months);
        let step = if self.date(near) > day { near - 1 } else { near };
        let from = self.date(step);
        let (days, length) = (i64::from(day - from), i64::from(self.date(step + 1) - from));
        (i64::from(step), Fraction::new(days * i64::from(self.months), length * 12))
    }
}

/// ICMA rule 251.1(iii): for every regular period touched, the days in it over (its days times the
/// coupons a year). Periods touched wholly count as their months over twelve.
pub(super) fn fraction(
    start: NaiveDate,
    end: NaiveDate,
    context: &DayCountContext<'_>,
) -> Result<Fraction, CalendarError> {
    let before = context.schedule_start.is_some_and(|schedule_start| start < schedule_start);
    let after = context.schedule_end.is_some_and(|schedule_end| end > schedule_end);
    if before || after {
        return Err(DayCount::ActActIcma.bad("The dates are not within the schedule."));
    }
    let grid = grid(context)?;
    let (first_step, before_start) = grid.part(start);
    let (last_step, before_end) = grid.part(end);
    let whole = Fraction::new((last_step - first_step) * i64::from(grid.months), 12);
    let minus_first = Fraction::new(-before_start.numerator, before_start.denominator);
    Ok(before_end.plus(minus_first).plus(whole))
}

/// Finds a date that is regular: the end of the period, unless the period is the schedule's last,
/// which may be a stub; then its start.
fn grid(context: &DayCountContext<'_>) -> Result<Grid, CalendarError> {
    let convention = DayCount::ActActIcma;
    let period_end =
        context.period_end.ok_or_else(|| convention.missing("the end of the coupon period"))?;
    let is_last = context.schedule_end == Some(period_end);
    let anchor = match (is_last, context.period_start) {
        (false, _) => period_end,
        (true, Some(period_start)) => period_start,
        (true, None) => return Err(convention.missing("the start of the coupon period")),
    };
    let months = match (context.frequency, context.period_start) {
        (Some(frequency), _) => frequency
            .months()
            .ok_or_else(|| convention.bad("The coupon frequency is not a number of months."))?,
        (None, Some(period_start)) => whole_months(period_start, period_end)
            .ok_or_else(|| convention.missing("the coupon frequency"))?,
        (None, None) => return Err(convention.missing("the coupon frequency")),
    };
    if months > MONTHS_MAX {
        return Err(convention.bad("The coupon period is longer than ten years."));
    }
    let keeps_to_month_ends = context.end_of_month.unwrap_or_else(|| {
        context.period_start.is_some_and(is_last_day_of_month) && is_last_day_of_month(period_end)
    });
    let at_month_end = keeps_to_month_ends && is_last_day_of_month(anchor);
    Ok(Grid {
        month: month_index(anchor),
        day: if at_month_end { 31 } else { anchor.day() },
        months: i32::from(months),
    })
}

/// The number of months from one date to the other if it is whole, a month's last day standing
/// for any later one.
pub(super) fn whole_months(start: NaiveDate, end: NaiveDate) -> Option<u16> {
    let months = u16::try_from(month_index(end) - month_index(start)).ok().filter(|&m| m > 0)?;
    let regular = clipped_day_number(month_index(end), start.day()) == day_number(end)
        || clipped_day_number(month_index(start), end.day()) == day_number(start)
        || (is_last_day_of_month(start) && is_last_day_of_month(end));
    regular.then_some(months)
}
