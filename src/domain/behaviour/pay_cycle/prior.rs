//! What is known of somebody's cycle before a payment is seen.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::PayCycleError;
use super::cycle::{Cycle, Kind, MonthDay, Roll, Rule};

/// How many colleagues outweigh what is known of everybody.
const COLLEAGUES: f64 = 2.0;
/// How many days moved by an employer outweigh not knowing how it moves them.
const MOVES: f64 = 1.0;
/// The share of monthly cycles by the number of the day, by a weekday, by a business day.
const BY_DAY: f64 = 0.7;
const BY_WEEKDAY: f64 = 0.15;
const BY_BUSINESS: f64 = 0.15;

/// The share of those who are paid by no rule, where nothing is known of anybody.
const BY_NO_RULE: f64 = 0.25;

/// What is known beforehand. The default knows nothing: one in four is paid by no rule, and every kind
/// of rule is as likely as any other.
#[derive(Clone, Debug, PartialEq)]
pub struct Prior {
    /// How likely each kind is, in the order of [`Kind::ALL`]; they sum to one.
    kinds: [f64; Kind::ALL.len()],
    /// Cycles of colleagues, and how many have each; without one for those paid irregularly.
    cycles: Vec<(Option<Cycle>, f64)>,
    /// How many colleagues there are.
    colleagues: f64,
    /// How likely each treatment of days without business is, in the order of [`Roll::ALL`].
    rolls: [f64; Roll::ALL.len()],
    /// Days between payments of others who follow no rule.
    pub(super) gaps: Vec<f64>,
}

impl Default for Prior {
    fn default() -> Self {
        Self {
            kinds: kinds_unknown(),
            cycles: Vec::new(),
            colleagues: 0.0,
            rolls: [1.0 / Roll::ALL.len() as f64; Roll::ALL.len()],
            gaps: Vec::new(),
        }
    }
}

fn kinds_unknown() -> [f64; Kind::ALL.len()] {
    let others = (1.0 - BY_NO_RULE) / (Kind::ALL.len() - 1) as f64;
    Kind::ALL.map(|kind| if kind == Kind::Irregular { BY_NO_RULE } else { others })
}

/// A prior as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    kinds: BTreeMap<String, f64>,
    #[serde(default)]
    cycles: BTreeMap<String, f64>,
    #[serde(default)]
    rolls: BTreeMap<String, f64>,
    #[serde(default)]
    gaps: Vec<f64>,
}

impl Prior {
    /// Reads a prior: `kinds` are shares, or numbers of people, `cycles` numbers of colleagues, `rolls`
    /// numbers of days that were moved so, `gaps` days between payments.
    ///
    /// # Errors
    /// [`PayCycleError::BadPrior`] for what is none, and [`PayCycleError::UnknownCycle`].
    pub fn from_json(value: serde_json::Value) -> Result<Self, PayCycleError> {
        let bad = |reason: String| PayCycleError::BadPrior(reason);
        let written: Written =
            serde_json::from_value(value).map_err(|error| bad(error.to_string()))?;
        let figures = || {
            let named = [&written.kinds, &written.cycles, &written.rolls];
            named.into_iter().flat_map(BTreeMap::values).chain(&written.gaps)
        };
        if figures().any(|figure| !figure.is_finite() || *figure < 0.0 || *figure > 1e12) {
            return Err(bad("a figure is negative or too large".into()));
        }
        let mut prior = Self { gaps: written.gaps, ..Self::default() };
        if !written.kinds.is_empty() {
            let shares = shares(&written.kinds, |name| {
                Kind::ALL.iter().position(|kind| kind.name() == name)
            });
            let shares: Vec<f64> = shares.ok_or_else(|| bad("a kind is unknown".into()))?;
            // What nobody was seen to have remains possible.
            prior.kinds =
                spread(&shares, 0.001).ok_or_else(|| bad("the kinds sum to zero".into()))?;
        }
        if !written.rolls.is_empty() {
            let counts = shares(&written.rolls, |name| {
                Roll::ALL.iter().position(|roll| roll.name() == name)
            });
            let counts = counts.ok_or_else(|| bad("a roll is unknown".into()))?;
            let all: f64 = counts.iter().sum();
            for (roll, count) in prior.rolls.iter_mut().zip(&counts) {
                *roll = (count + MOVES / Roll::ALL.len() as f64) / (all + MOVES);
            }
        }
        for (name, people) in written.cycles {
            let cycle = match name == Kind::Irregular.name() {
                true => None,
                false => Some(name.parse()?),
            };
            prior.cycles.push((cycle, people));
            prior.colleagues += people;
        }
        Ok(prior)
    }

    /// The cycles of colleagues.
    pub(super) fn cycles(&self) -> impl Iterator<Item = Cycle> {
        self.cycles.iter().filter_map(|(cycle, _)| *cycle)
    }

    fn kind(&self, kind: Kind) -> f64 {
        Kind::ALL.iter().zip(self.kinds).find(|(known, _)| **known == kind).map_or(0.0, |(_, p)| p)
    }

    fn roll(&self, roll: Roll) -> f64 {
        Roll::ALL.iter().zip(self.rolls).find(|(known, _)| **known == roll).map_or(0.0, |(_, p)| p)
    }

    /// How likely payments by no rule are.
    pub(super) fn irregular(&self) -> f64 {
        self.pooled(|cycle| cycle.is_none(), self.kind(Kind::Irregular))
    }

    /// How likely a cycle is; that of its rule where days were not moved, so that none can be told
    /// from another by how it moves them.
    pub(super) fn cycle(&self, cycle: Cycle, moves: bool) -> f64 {
        let alone = self.kind(cycle.rule.kind()) * share_of_rule(cycle.rule);
        match moves {
            true => self.pooled(|known| *known == Some(cycle), alone * self.roll(cycle.roll)),
            false => {
                self.pooled(|known| known.is_some_and(|known| known.rule == cycle.rule), alone)
            }
        }
    }

    /// How an employer most likely moves pay days of a rule.
    pub(super) fn likely_roll(&self, rule: Rule) -> Roll {
        let mut best = Roll::Preceding;
        for roll in Roll::ALL {
            let weight = |roll| self.cycle(Cycle { rule, roll }, true);
            if weight(roll) > weight(best) {
                best = roll;
            }
        }
        best
    }

    fn pooled(&self, is_same: impl Fn(&Option<Cycle>) -> bool, alone: f64) -> f64 {
        let same: f64 =
            self.cycles.iter().filter(|(cycle, _)| is_same(cycle)).map(|(_, people)| people).sum();
        (same + COLLEAGUES * alone) / (self.colleagues + COLLEAGUES)
    }
}

/// The figures of names in the order of a list; nothing if a name is not in it.
fn shares(
    named: &BTreeMap<String, f64>,
    place: impl Fn(&str) -> Option<usize>,
) -> Option<Vec<f64>> {
    let mut shares = vec![0.0; Kind::ALL.len()];
    for (name, share) in named {
        *shares.get_mut(place(name)?)? = *share;
    }
    Some(shares)
}

/// Shares that sum to one, each at least `least`.
fn spread<const N: usize>(shares: &[f64], least: f64) -> Option<[f64; N]> {
    let all: f64 = shares.iter().sum();
    let mut spread = [least; N];
    for (place, share) in spread.iter_mut().zip(shares) {
        *place += share / all * (1.0 - least * N as f64);
    }
    (all > 0.0).then_some(spread)
}

/// The share that one rule has of its kind: every rule of a kind is as likely as any other.
fn share_of_rule(rule: Rule) -> f64 {
    /// Pairs of days at least ten days apart.
    const PAIRS: f64 = 231.0;
    match rule {
        Rule::Daily => 1.0,
        Rule::Weeks(weeks, _) => 1.0 / (7.0 * f64::from(weeks)),
        Rule::Semimonthly(..) => 1.0 / PAIRS,
        Rule::Months(every, _, on) => {
            let share = match on {
                MonthDay::Day(_) => BY_DAY / 31.0,
                MonthDay::Weekday(..) => BY_WEEKDAY / 35.0,
                MonthDay::Business(_) => BY_BUSINESS / 7.0,
            };
            share / f64::from(every)
        }
    }
}
