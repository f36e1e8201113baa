//! The cycle that is likely, and when it pays next.

use super::candidates;
use super::cycle::{Cycle, Kind, MonthDay, Roll, Rule};
use super::error::{DAYS_MAX, PayCycleError, SPAN_MAX};
use super::evidence::{Scratch, Seen, Tally};
use super::gaps::Gaps;
use super::prior::Prior;
use super::slots::{ROLL_MAX, Slot, rolled};
use crate::domain::calendar::civil::{DAY_NUMBER_MAX, DAY_NUMBER_MIN, civil_of};
use crate::domain::calendar::{BusinessCalendar, CalendarError};

/// Least days that must have been met for each day of a month or week that a cycle has, unless colleagues
/// are known to have it: two dates coincide easily.
const HITS_LEAST: u32 = 3;
/// Least probability of a kind; below it payments are taken to follow no rule.
const SURE_ENOUGH: f64 = 0.5;
/// Payments below this share of the median are no pay.
const SHARE_LEAST: f64 = 0.3;
/// The share of days met early, or late, from which the next may well be.
const NEAR_LEAST: f64 = 0.03;
/// Fewer days between payments than this are pooled with those of others.
const GAPS_FEW: usize = 8;
/// The way of moving days that is this likely beside the best is allowed for.
const POSSIBLE: f64 = 0.1;
/// So many days before the first and after the last that was seen, a day may be met by them.
const NEAR_DAYS: i32 = 5;
/// Cycles less likely than this do not tell when the next payment comes.
const NEGLIGIBLE: f64 = 1e-3;

/// Days on which somebody was paid, each once and in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Paid {
    days: Vec<i32>,
}

impl Paid {
    /// Of days in any order, with what was paid on each if that is known. Payments of one day are one;
    /// payments of less than 0.3 of the median are not counted.
    ///
    /// # Errors
    /// [`PayCycleError::AmountsDiffer`], [`PayCycleError::TooMany`], [`PayCycleError::TooLong`], and
    /// [`PayCycleError::Calendar`] for a day near either end of the years there are.
    pub fn new(days: &[i32], amounts: Option<&[f64]>) -> Result<Self, PayCycleError> {
        if days.len() > DAYS_MAX {
            return Err(PayCycleError::TooMany(days.len()));
        }
        let mut kept: Vec<(i32, f64)> = match amounts {
            None => days.iter().map(|day| (*day, 1.0)).collect(),
            Some(amounts) if amounts.len() == days.len() => {
                days.iter().copied().zip(amounts.iter().copied()).collect()
            }
            Some(amounts) => {
                let (days, amounts) = (days.len(), amounts.len());
                return Err(PayCycleError::AmountsDiffer { days, amounts });
            }
        };
        kept.sort_unstable_by_key(|(day, _)| *day);
        kept.dedup_by(|later, first| {
            let is_same = later.0 == first.0;
            if is_same {
                first.1 += later.1;
            }
            is_same
        });
        if amounts.is_some() {
            let mut sorted: Vec<f64> = kept.iter().map(|(_, amount)| *amount).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            let least = sorted.get(sorted.len() / 2).map_or(0.0, |median| SHARE_LEAST * median);
            kept.retain(|(_, amount)| *amount >= least);
        }
        let days: Vec<i32> = kept.into_iter().map(|(day, _)| day).collect();
        if let (Some(first), Some(last)) = (days.first(), days.last()) {
            near_no_end(*first)?;
            near_no_end(*last)?;
            if last - first > SPAN_MAX {
                return Err(PayCycleError::TooLong(last - first));
            }
        }
        Ok(Self { days })
    }

    /// The days.
    pub fn days(&self) -> &[i32] {
        &self.days
    }
}

/// Refuses days from which a cycle would lead out of the years there are.
fn near_no_end(day: i32) -> Result<(), CalendarError> {
    const YEARS_THREE: i32 = 1_100;
    match (DAY_NUMBER_MIN + YEARS_THREE..=DAY_NUMBER_MAX - YEARS_THREE).contains(&day) {
        true => Ok(()),
        false => Err(CalendarError::OutOfRange { year: i64::from(civil_of(day).0) }),
    }
}

/// When the next payment is to come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Next {
    /// Most likely on this day.
    pub day: i32,
    /// Not before this one.
    pub earliest: i32,
    /// Not after this one.
    pub latest: i32,
    /// How likely it comes within these days.
    pub confidence: f64,
}

/// What was inferred.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// How often.
    pub kind: Kind,
    /// By which rule; nothing where there is none.
    pub cycle: Option<Cycle>,
    /// How likely the kind is.
    pub confidence: f64,
    /// How the days of the cycle fared.
    pub tally: Tally,
    /// Days between payments.
    pub gaps: Option<Gaps>,
    /// When the next payment is to come; nothing where nothing tells.
    pub next: Option<Next>,
}

/// A cycle beside the days seen.
struct Tried {
    cycle: Cycle,
    /// Whether any day of it was moved, so that it is told from others by that.
    moves: bool,
    tally: Tally,
    last_met: Option<Slot>,
    weight: f64,
}

/// Days of a rule, and what becomes of them where there is no business.
#[derive(Default)]
struct Laid {
    /// By the rule, each with whether it is a business day.
    nominal: Vec<(i32, bool)>,
    slots: Vec<Slot>,
    scratch: Scratch,
}

impl Laid {
    /// Lays the days of a rule over the time of those seen.
    fn lay(&mut self, rule: Rule, seen: &Seen<'_>) {
        self.slots.clear();
        if let (Some(first), Some(last)) = (seen.first(), seen.last()) {
            let through = seen.known_through.max(last + NEAR_DAYS);
            let from = first - NEAR_DAYS - ROLL_MAX;
            let cycle = Cycle { rule, roll: Roll::Unrolled };
            cycle.slots(seen.calendar, from, through + ROLL_MAX, &mut self.slots);
        }
        let is_business = |day: i32| (day, seen.calendar.is_business(day));
        self.nominal.clear();
        self.nominal.extend(self.slots.iter().map(|slot| is_business(slot.nominal)));
    }

    /// Whether enough days are met just as the rule has them. Where many days were seen, a rule of which
    /// fewer are met moves more of them than there are days without business.
    fn is_worth_a_try(&self, seen: &Seen<'_>) -> bool {
        if seen.days.len() <= candidates::FEW {
            return true;
        }
        let mut rest = seen.days;
        let mut met = 0;
        for (day, _) in &self.nominal {
            let before = rest.iter().take_while(|seen| *seen < day).count();
            rest = rest.get(before..).unwrap_or_default();
            met += usize::from(rest.first() == Some(day));
        }
        4 * met >= self.nominal.len().min(seen.days.len())
    }

    /// Moves the days without business; tells whether there are any.
    fn move_days(&mut self, seen: &Seen<'_>, roll: Roll) -> bool {
        let Some((first, last)) = seen.first().zip(seen.last()) else { return false };
        let inside = first - NEAR_DAYS..=seen.known_through.max(last + NEAR_DAYS);
        let mut moves = false;
        self.slots.clear();
        for (nominal, is_business) in self.nominal.iter().copied() {
            let day = if is_business { nominal } else { rolled(seen.calendar, nominal, roll) };
            if inside.contains(&day) {
                moves |= !is_business;
                self.slots.push(Slot { nominal, day });
            }
        }
        moves
    }
}

/// The inference over a calendar, for one person after the other.
pub struct PayCycles<'a> {
    calendar: &'a BusinessCalendar,
}

impl<'a> PayCycles<'a> {
    /// By a calendar of business days.
    pub const fn new(calendar: &'a BusinessCalendar) -> Self {
        Self { calendar }
    }

    /// The days of a cycle from one through another, each with the day of the rule.
    ///
    /// # Errors
    /// [`PayCycleError::TooLong`] and [`PayCycleError::Calendar`].
    pub fn days(
        &self,
        cycle: Cycle,
        from: i32,
        through: i32,
    ) -> Result<Vec<(i32, i32)>, PayCycleError> {
        near_no_end(from)?;
        near_no_end(through)?;
        if through - from > SPAN_MAX {
            return Err(PayCycleError::TooLong(through - from));
        }
        let mut slots = Vec::new();
        cycle.slots(self.calendar, from, through, &mut slots);
        Ok(slots.into_iter().map(|slot| (slot.day, slot.nominal)).collect())
    }

    /// Infers by which rule somebody is paid. All that came by `as_of` is known; by the last payment
    /// where it is not told.
    ///
    /// # Errors
    /// [`PayCycleError::Calendar`] if `as_of` is near either end of the years there are, and
    /// [`PayCycleError::TooLong`] if it is far from the payments.
    pub fn infer(
        &self,
        paid: &Paid,
        as_of: Option<i32>,
        prior: &Prior,
    ) -> Result<Found, PayCycleError> {
        let last = paid.days.last().copied();
        let known = match (as_of, last) {
            (Some(as_of), last) => {
                near_no_end(as_of)?;
                as_of.max(last.unwrap_or(as_of))
            }
            (None, Some(last)) => last,
            (None, None) => 0,
        };
        if let Some(first) = paid.days.first()
            && known - first > SPAN_MAX
        {
            return Err(PayCycleError::TooLong(known - first));
        }
        let seen = Seen::new(self.calendar, &paid.days, known);
        let mut tried = self.try_all(&seen, prior);
        let irregular = weigh(&seen, &mut tried, prior);
        let (kind, confidence) = likeliest(&tried, irregular);
        let best = tried
            .iter()
            .filter(|one| one.cycle.rule.kind() == kind)
            .reduce(|best, one| if one.weight > best.weight { one } else { best });
        let after = as_of.or(last).map(|day| day.max(last.unwrap_or(day)));
        let gaps = gaps_of(&seen, prior, after);
        let next = match (best, after) {
            (_, None) => None,
            (Some(best), Some(after)) => self.next(best, &tried, after),
            (None, Some(_)) => irregular_next(gaps.as_ref(), last),
        };
        Ok(Found {
            kind,
            cycle: best.map(|best| best.cycle),
            confidence,
            tally: best.map_or_else(Tally::default, |best| best.tally),
            gaps,
            next,
        })
    }

    /// Lays every cycle beside the days that these suggest, or colleagues have.
    fn try_all(&self, seen: &Seen<'_>, prior: &Prior) -> Vec<Tried> {
        let mut rules = if seen.days.len() >= HITS_LEAST as usize {
            candidates::rules(seen)
        } else {
            Vec::new()
        };
        let of_colleagues: Vec<Rule> = prior.cycles().map(|cycle| cycle.rule).collect();
        rules.extend(
            of_colleagues.iter().copied().filter(|rule| !rules.contains(rule)).collect::<Vec<_>>(),
        );
        rules.dedup();
        let mut laid = Laid::default();
        let mut tried = Vec::with_capacity(2 * rules.len());
        for rule in rules {
            let is_known = of_colleagues.contains(&rule);
            laid.lay(rule, seen);
            if !is_known && !laid.is_worth_a_try(seen) {
                continue;
            }
            for roll in Roll::ALL {
                // The last day of a month, preceded, is its last business day, which has a rule.
                if is_last_business_day(rule, roll) {
                    continue;
                }
                let moves = laid.move_days(seen, roll);
                let (tally, last_met) = seen.tally(&laid.slots, &mut laid.scratch);
                let roll = if moves || rule.is_business() { roll } else { prior.likely_roll(rule) };
                if tally.hits() >= rule.days() * HITS_LEAST || is_known {
                    let cycle = Cycle { rule, roll };
                    tried.push(Tried { cycle, moves, tally, last_met, weight: 0.0 });
                }
                if !moves {
                    break;
                }
            }
        }
        tried
    }

    /// When a cycle pays next, and how likely that is among all that were tried.
    fn next(&self, best: &Tried, tried: &[Tried], after: i32) -> Option<Next> {
        let slot = self.next_of(best, after)?;
        let near = |count: u32| {
            f64::from(count) >= NEAR_LEAST * f64::from(best.tally.hits().max(1)) && count > 0
        };
        let (early, late) = (near(best.tally.early), near(best.tally.late));
        let (mut earliest, mut latest) = (slot.day, slot.day);
        // Where nobody saw what becomes of a day without business, any of it may.
        if !best.moves && !best.cycle.rule.is_business() {
            earliest = rolled(self.calendar, slot.nominal, Roll::Preceding);
            latest = rolled(self.calendar, slot.nominal, Roll::Following);
        }
        for other in tried.iter().filter(|one| one.cycle.rule == best.cycle.rule) {
            if let Some(also) = self.next_of(other, after)
                && other.weight >= POSSIBLE * best.weight
                && also.nominal == slot.nominal
            {
                (earliest, latest) = (earliest.min(also.day), latest.max(also.day));
            }
        }
        if early {
            earliest = rolled(self.calendar, earliest - 1, Roll::Preceding);
        }
        if late {
            latest = rolled(self.calendar, latest + 1, Roll::Following);
        }
        let confidence = tried
            .iter()
            .filter(|one| one.weight > NEGLIGIBLE)
            .filter(|one| {
                let day = self.next_of(one, after).map(|slot| slot.day);
                day.is_some_and(|day| (earliest..=latest).contains(&day))
            })
            .map(|one| one.weight * one.tally.hit_rate(early, late))
            .sum();
        Some(Next { day: slot.day, earliest, latest, confidence })
    }

    fn next_of(&self, one: &Tried, after: i32) -> Option<Slot> {
        let met = one.last_met.map_or(after, |slot| slot.day);
        one.cycle.next_after(self.calendar, after.max(met))
    }
}

const fn is_last_business_day(rule: Rule, roll: Roll) -> bool {
    let is_last = matches!(rule, Rule::Months(_, _, MonthDay::Day(31)));
    is_last && matches!(roll, Roll::Preceding)
        || rule.is_business() && !matches!(roll, Roll::Preceding)
}

/// Gives every cycle its probability, and answers that of none.
fn weigh(seen: &Seen<'_>, tried: &mut [Tried], prior: &Prior) -> f64 {
    let none = seen.ln_random(seen.days.len() as u32) + prior.irregular().ln();
    let mut most = none;
    for one in tried.iter_mut() {
        let known = prior.cycle(one.cycle, one.moves || one.cycle.rule.is_business());
        one.weight = seen.ln_probability(&one.tally) + known.ln();
        most = most.max(one.weight);
    }
    let mut all = (none - most).exp();
    for one in tried.iter_mut() {
        one.weight = (one.weight - most).exp();
        all += one.weight;
    }
    tried.iter_mut().for_each(|one| one.weight /= all);
    (none - most).exp() / all
}

/// The likeliest kind and its probability; irregular where none is likely enough.
fn likeliest(tried: &[Tried], irregular: f64) -> (Kind, f64) {
    let mut best = (Kind::Irregular, 0.0);
    for kind in Kind::ALL {
        let of_kind = tried.iter().filter(|one| one.cycle.rule.kind() == kind);
        let weight: f64 = of_kind.map(|one| one.weight).sum();
        if weight > best.1 {
            best = (kind, weight);
        }
    }
    if best.1 >= SURE_ENOUGH { best } else { (Kind::Irregular, irregular) }
}

/// Days between payments: one's own, with those of others where they are few.
fn gaps_of(seen: &Seen<'_>, prior: &Prior, after: Option<i32>) -> Option<Gaps> {
    let mut gaps: Vec<f64> = seen
        .days
        .windows(2)
        .filter_map(|pair| Some(f64::from(pair.last()? - pair.first()?)))
        .collect();
    if gaps.len() < GAPS_FEW {
        gaps.extend_from_slice(&prior.gaps);
    }
    let elapsed = after.zip(seen.last()).map_or(0, |(after, last)| after - last);
    Gaps::of(&gaps, f64::from(elapsed))
}

fn irregular_next(gaps: Option<&Gaps>, last: Option<i32>) -> Option<Next> {
    let (gaps, last) = (gaps?, last?);
    let day = |gap: f64| last + gap as i32;
    let count = gaps.count as f64;
    Some(Next {
        day: day(gaps.p50.round()),
        earliest: day(gaps.p10.floor()),
        latest: day(gaps.p90.ceil()),
        // What lies between the quantiles of so many gaps, shrunk as if two more lay outside.
        confidence: 0.8 * count / (count + 2.0),
    })
}
