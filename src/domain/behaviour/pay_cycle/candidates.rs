//! Which cycles some days suggest: those whose days are the most frequent among them.

use super::cycle::{MonthDay, Rule};
use super::evidence::Seen;
use super::slots::weekday_of;
use crate::domain::calendar::civil::{DAY_NUMBER_2000_01_01, civil_of, days_in_month};

/// How many of the most frequent places are tried.
const TRIED: usize = 3;
/// Up to how many days neighbours of a day are tried, too: too few to have the day itself often.
pub(super) const FEW: usize = 8;
/// The same of either half of a month.
const FEW_OF_HALF: usize = 4;
/// A cycle is not tried that would have missed more than this many days for each seen.
const MISSED_MOST: f64 = 3.0;
/// Nor one that has a day for fewer than one in this many.
const SPURIOUS_MOST: f64 = 5.0;

/// How often each of some places occurs.
struct Counts<const N: usize>([u32; N]);

impl<const N: usize> Counts<N> {
    fn of(places: impl Iterator<Item = usize>) -> Self {
        let mut counts = [0; N];
        for place in places {
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        }
        Self(counts)
    }

    /// The most frequent, the most frequent first; of equals the first.
    fn top(&self, most: usize) -> Vec<usize> {
        let mut places: Vec<usize> = (0..N).filter(|at| self.0.get(*at) > Some(&0)).collect();
        places.sort_by_key(|at| std::cmp::Reverse(self.0.get(*at).copied()));
        places.truncate(most);
        places
    }
}

/// The rules that the days seen suggest.
pub(super) fn rules(seen: &Seen<'_>) -> Vec<Rule> {
    let mut rules = Vec::with_capacity(64);
    let days = seen.days;
    let gap = seen.span() / days.len().max(1) as f64;
    let fits = |rule: &Rule| {
        let ratio = gap / rule.mean_gap();
        ratio <= MISSED_MOST + 1.0 && ratio * SPURIOUS_MOST >= 1.0
    };
    if fits(&Rule::Daily) {
        rules.push(Rule::Daily);
    }
    weeks::<7>(days, 1, fits, &mut rules);
    weeks::<14>(days, 2, fits, &mut rules);
    weeks::<28>(days, 4, fits, &mut rules);
    let parts: Vec<(i32, u8, u8)> = days.iter().map(|day| parts(*day)).collect();
    if fits(&Rule::Semimonthly(1, 15)) {
        semimonthly(&parts, &mut rules);
    }
    if fits(&Rule::Months(1, 0, MonthDay::Day(1))) {
        by_month(seen, &parts, &mut rules);
    }
    for every in [3, 6, 12] {
        if fits(&Rule::Months(every, 0, MonthDay::Day(1))) {
            by_months(&parts, every, &mut rules);
        }
    }
    rules
}

/// Month, day of the month, and length of the month.
fn parts(day: i32) -> (i32, u8, u8) {
    let (year, month, of_month) = civil_of(day);
    (year * 12 + month as i32 - 1, of_month as u8, days_in_month(year, month) as u8)
}

fn weeks<const N: usize>(
    days: &[i32],
    every: u8,
    fits: impl Fn(&Rule) -> bool,
    into: &mut Vec<Rule>,
) {
    if !fits(&Rule::Weeks(every, 0)) {
        return;
    }
    let phase = |day: &i32| (day - DAY_NUMBER_2000_01_01).rem_euclid(N as i32) as usize;
    let counts = Counts::<N>::of(days.iter().map(phase));
    into.extend(counts.top(TRIED).into_iter().map(|phase| Rule::Weeks(every, phase as u8)));
}

/// Days of the month that are frequent; the last day of any month counts for the 31st, too.
fn days_of_month(
    parts: &[(i32, u8, u8)],
    within: std::ops::RangeInclusive<u8>,
    few: usize,
) -> Vec<u8> {
    let inside = || parts.iter().filter(|(_, day, _)| within.contains(day));
    let ends = inside().filter(|(_, day, length)| day == length && *day < 31).map(|_| 31);
    let counts = Counts::<32>::of(inside().map(|(_, day, _)| usize::from(*day)).chain(ends));
    let mut found: Vec<u8> = counts.top(TRIED).into_iter().map(|day| day as u8).collect();
    if inside().count() <= few {
        let near = |day: u8| [day.saturating_sub(2), day.saturating_sub(1), day + 1, day + 2];
        let more: Vec<u8> = found.iter().copied().flat_map(near).collect();
        found.extend(more.into_iter().filter(|day| (1..=31).contains(day)));
        found.sort_unstable();
        found.dedup();
    }
    found
}

fn semimonthly(parts: &[(i32, u8, u8)], into: &mut Vec<Rule>) {
    let (early, late) =
        (days_of_month(parts, 1..=16, FEW_OF_HALF), days_of_month(parts, 12..=31, FEW_OF_HALF));
    for first in &early {
        for second in late.iter().filter(|second| **second >= first + 10) {
            into.push(Rule::Semimonthly(*first, *second));
        }
    }
}

fn by_month(seen: &Seen<'_>, parts: &[(i32, u8, u8)], into: &mut Vec<Rule>) {
    let monthly = |on: MonthDay| Rule::Months(1, 0, on);
    into.extend(
        days_of_month(parts, 1..=31, FEW).into_iter().map(|day| monthly(MonthDay::Day(day))),
    );
    let weekday = |place: usize| (place / 5, place % 5);
    let places = seen.days.iter().zip(parts).flat_map(|(day, (_, of_month, length))| {
        let at = weekday_of(*day) as usize * 5;
        let nth = usize::from((of_month - 1) / 7);
        let last = (of_month + 7 > *length).then_some(at + 4);
        (nth < 4).then_some(at + nth).into_iter().chain(last)
    });
    for (of_week, nth) in Counts::<35>::of(places).top(TRIED).into_iter().map(weekday) {
        let nth = if nth == 4 { -1 } else { nth as i8 + 1 };
        into.push(monthly(MonthDay::Weekday(of_week as u8, nth)));
    }
    // The first business day is the first day of the month, followed.
    let places = seen.days.iter().zip(&seen.business).flat_map(|(day, before)| {
        let start = seen.calendar.count_before(month_first(*day));
        let end = seen.calendar.count_before(month_last(*day) + 1);
        let from_start = usize::try_from(before - start + 1).ok().filter(|n| (2..=5).contains(n));
        let from_end = usize::try_from(end - before).ok().filter(|n| (1..=3).contains(n));
        from_start.into_iter().chain(from_end.map(|n| n + 5))
    });
    for place in Counts::<9>::of(places).top(TRIED) {
        let nth = if place > 5 { 5 - place as i8 } else { place as i8 };
        into.push(monthly(MonthDay::Business(nth)));
    }
}

fn month_first(day: i32) -> i32 {
    day - civil_of(day).2 as i32 + 1
}

fn month_last(day: i32) -> i32 {
    let (year, month, _) = civil_of(day);
    month_first(day) + days_in_month(year, month) as i32 - 1
}

fn by_months(parts: &[(i32, u8, u8)], every: u8, into: &mut Vec<Rule>) {
    let phase = |month: i32| month.rem_euclid(i32::from(every)) as usize;
    let counts = Counts::<12>::of(parts.iter().map(|(month, ..)| phase(*month)));
    for at in counts.top(TRIED - 1) {
        let chosen: Vec<_> =
            parts.iter().copied().filter(|(month, ..)| phase(*month) == at).collect();
        for day in days_of_month(&chosen, 1..=31, FEW) {
            into.push(Rule::Months(every, at as u8, MonthDay::Day(day)));
        }
        into.push(Rule::Months(every, at as u8, MonthDay::Business(-1)));
    }
}
