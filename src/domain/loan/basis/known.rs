//! Periods that look alike bear alike: what was learned of one is known of all.

use rust_decimal::Decimal;

use super::super::kernel::FixedFactor;
use super::{Charge, SEEN_MAX};

/// How many places there are for periods of many loans.
const MANY_PLACES: usize = 256;
/// Spreads rates over places: 2^32 over the golden ratio.
const SPREAD: usize = 0x9e37_79b9;

/// What a factor follows from where no single date matters: the rate and lengths in days.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) annual_rate: Decimal,
    /// Of the stretch.
    pub(super) days: i64,
    /// Of the period it lies in.
    pub(super) period_days: i64,
    /// Of the year it starts in.
    pub(super) year_days: i32,
    /// Units of the frequency the period counts for.
    pub(super) units: Decimal,
}

impl Stretch {
    /// Whether two stretches look the same; the same number in other digits counts as another.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.days == other.days
            && self.period_days == other.period_days
            && self.year_days == other.year_days
            && has_same_digits(&self.units, &other.units)
            && has_same_digits(&self.annual_rate, &other.annual_rate)
    }
}

/// Whether two numbers are the same to the last digit, zeros at the end counted.
fn has_same_digits(one: &Decimal, other: &Decimal) -> bool {
    one.scale() == other.scale() && one.mantissa() == other.mantissa()
}

/// What a stretch bears.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Borne {
    pub(crate) charge: Charge,
    /// The factor of `charge` as a binary fraction, where it is at hand.
    pub(crate) fixed: Option<FixedFactor>,
    /// Its part in the factor from which instalments are solved.
    pub(crate) factor: Decimal,
}

/// What whole periods bear that look alike: a place for each, by its numbers.
#[derive(Debug, Default)]
pub(crate) struct KnownPeriods {
    places: Vec<Option<(Stretch, Borne)>>,
}

impl KnownPeriods {
    /// Room for the periods of many loans, at some rates.
    pub(crate) fn of_many() -> Self {
        Self { places: vec![None; MANY_PLACES] }
    }

    /// Where a period has its place: by its length, that of its year, and the rate.
    fn place_of(&self, stretch: &Stretch) -> usize {
        let rate = stretch.annual_rate.mantissa() as usize;
        let lengths = stretch.period_days as usize & 3 | (stretch.year_days as usize & 1) << 2;
        // Their number is a power of two.
        (lengths | rate.wrapping_mul(SPREAD) >> 32 << 3) & self.places.len().saturating_sub(1)
    }

    pub(super) fn find(&self, stretch: &Stretch) -> Option<Borne> {
        let (known, borne) = self.places.get(self.place_of(stretch))?.as_ref()?;
        known.is(stretch).then_some(*borne)
    }

    pub(super) fn keep(&mut self, stretch: Stretch, borne: Borne) {
        if self.places.is_empty() {
            self.places.resize(SEEN_MAX, None);
        }
        let place = self.place_of(&stretch);
        if let Some(kept) = self.places.get_mut(place) {
            *kept = Some((stretch, borne));
        }
    }
}
