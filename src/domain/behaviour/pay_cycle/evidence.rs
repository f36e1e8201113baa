//! What days that were seen say for a cycle.

use super::slots::Slot;
use crate::domain::calendar::BusinessCalendar;

/// How the days of a cycle fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Met on the day.
    pub exact: u32,
    /// Met a business day early.
    pub early: u32,
    /// Met a business day late.
    pub late: u32,
    /// Missed.
    pub missed: u32,
    /// Payments that are on no day of it.
    pub spurious: u32,
    /// Days that were moved because there was no business, and met where they were moved to.
    pub rolled: u32,
}

impl Tally {
    /// Days that were met.
    pub const fn hits(&self) -> u32 {
        self.exact + self.early + self.late
    }

    /// Days that were to be met.
    pub const fn expected(&self) -> u32 {
        self.hits() + self.missed
    }

    /// Days met, of the days that were to be met and the payments that are on none.
    pub fn support(&self) -> f64 {
        f64::from(self.hits()) / f64::from((self.expected() + self.spurious).max(1))
    }

    /// The probability that the next day is met, and not outside of the days allowed for.
    pub fn hit_rate(&self, early: bool, late: bool) -> f64 {
        let near = if early { self.early } else { 0 } + if late { self.late } else { 0 };
        let allowed = EXACT + if early || late { NEAR } else { 0 };
        f64::from(self.exact + near + allowed) / f64::from(self.expected() + EXACT + NEAR + MISSED)
    }
}

/// Pay days met, met nearly and missed that are imagined before any is seen.
const EXACT: u32 = 8;
const NEAR: u32 = 1;
const MISSED: u32 = 1;
/// Days in which one payment at random is imagined before any is seen.
const RANDOM_DAYS: f64 = 30.0;

/// Days that were seen, and what is asked of them again and again.
pub(super) struct Seen<'a> {
    pub(super) calendar: &'a BusinessCalendar,
    /// The days, in order, each once.
    pub(super) days: &'a [i32],
    /// The business days before each of them.
    pub(super) business: Vec<i32>,
    /// The day by which whatever was to come had come.
    pub(super) known_through: i32,
    ln_gamma: Vec<f64>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(calendar: &'a BusinessCalendar, days: &'a [i32], as_of: i32) -> Self {
        let business = days.iter().map(|day| calendar.count_before(*day)).collect();
        Self { calendar, days, business, known_through: as_of, ln_gamma: ln_gammas(days.len()) }
    }

    pub(super) fn first(&self) -> Option<i32> {
        self.days.first().copied()
    }

    pub(super) fn last(&self) -> Option<i32> {
        self.days.last().copied()
    }

    /// Days from the first that was seen through the day until which all is known.
    pub(super) fn span(&self) -> f64 {
        self.first().map_or(0.0, |first| f64::from(self.known_through - first + 1))
    }

    fn ln_gamma(&self, count: u32) -> f64 {
        match self.ln_gamma.get(count as usize) {
            Some(value) => *value,
            None => libm::lgamma(f64::from(count)),
        }
    }

    /// The logarithm of the probability that so many payments come at random just when they do.
    pub(super) fn ln_random(&self, payments: u32) -> f64 {
        let count = f64::from(payments);
        self.ln_gamma(payments + 1) + RANDOM_DAYS.ln()
            - (count + 1.0) * (self.span() + RANDOM_DAYS).ln()
    }

    /// The logarithm of the probability of what was seen, were the tallied cycle the one.
    pub(super) fn ln_probability(&self, tally: &Tally) -> f64 {
        const ALL: u32 = EXACT + NEAR + MISSED;
        let near = tally.early + tally.late;
        let rise = |from: u32, by: u32| self.ln_gamma(from + by) - self.ln_gamma(from);
        rise(EXACT, tally.exact) + rise(NEAR, near) + rise(MISSED, tally.missed)
            - rise(ALL, tally.expected())
            // Early and late are as likely as each other.
            - f64::from(near) * std::f64::consts::LN_2
            + self.ln_random(tally.spurious)
    }

    /// Lays the days of a cycle beside those seen. Appends the last day of it that was met, if one was.
    pub(super) fn tally(&self, slots: &[Slot], scratch: &mut Scratch) -> (Tally, Option<Slot>) {
        let mut tally = Tally::default();
        let Some(first) = self.first() else { return (tally, None) };
        let known = self.calendar.count_before(self.known_through);
        scratch.used.clear();
        scratch.used.resize(self.days.len(), false);
        scratch.left.clear();
        let mut last_met: Option<Slot> = None;
        let mut at = 0;
        for slot in slots {
            while self.days.get(at).is_some_and(|day| *day < slot.day) {
                at += 1;
            }
            match self.days.get(at) {
                Some(day) if *day == slot.day => {
                    if let Some(used) = scratch.used.get_mut(at) {
                        *used = true;
                    }
                    at += 1;
                    tally.exact += 1;
                    tally.rolled += u32::from(slot.day != slot.nominal);
                    last_met = Some(*slot);
                }
                _ => scratch.left.push((*slot, at)),
            }
        }
        for (slot, at) in &scratch.left {
            let business = self.calendar.count_before(slot.day);
            let free = |place: Option<usize>| {
                place.filter(|place| {
                    scratch.used.get(*place) == Some(&false)
                        && self.business.get(*place).is_some_and(|b| (b - business).abs() <= 1)
                })
            };
            match (free(at.checked_sub(1)), free(Some(*at))) {
                (Some(place), _) => {
                    tally.early += 1;
                    scratch.used.get_mut(place).into_iter().for_each(|used| *used = true);
                    last_met = last_met.max_by_day(*slot);
                }
                (None, Some(place)) => {
                    tally.late += 1;
                    scratch.used.get_mut(place).into_iter().for_each(|used| *used = true);
                    last_met = last_met.max_by_day(*slot);
                }
                // Nobody knows yet whether one that may still come a day late is missed.
                (None, None) if slot.day >= first && business + 1 < known => tally.missed += 1,
                (None, None) => {}
            }
        }
        tally.spurious = scratch.used.iter().filter(|used| !**used).count() as u32;
        (tally, last_met)
    }
}

trait Later {
    fn max_by_day(self, slot: Slot) -> Self;
}

impl Later for Option<Slot> {
    fn max_by_day(self, slot: Slot) -> Self {
        match self {
            Some(other) if other.day >= slot.day => Some(other),
            _ => Some(slot),
        }
    }
}

/// Memory that one cycle after the other is tallied in.
#[derive(Default)]
pub(super) struct Scratch {
    used: Vec<bool>,
    left: Vec<(Slot, usize)>,
}

/// The logarithms of the gamma function of whole numbers up to what `days` payments usually ask for.
fn ln_gammas(days: usize) -> Vec<f64> {
    let most = 2 * days + 32;
    let mut table = Vec::with_capacity(most);
    table.extend([f64::INFINITY, 0.0]);
    let mut sum = 0.0;
    for n in 1..most - 1 {
        sum += (n as f64).ln();
        table.push(sum);
    }
    table
}
