//! Drawdown: how far a price fell from its highest so far.

use std::cmp::Ordering;

use super::error::{MarketError, price};

/// What joins with what follows it, whatever the grouping.
pub trait Segment: Copy {
    /// This segment and the one after it as one.
    fn join(self, later: Self) -> Self;
}

/// A price and when it was, as a day number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quote {
    /// The price.
    pub price: f64,
    /// The day.
    pub day: i32,
}

/// The deepest fall within a stretch of prices, and what it takes to join it with another.
///
/// Nothing is added up: a fall is the quotient of two prices, and joining chooses among quotients. So
/// a stretch has the same answer however it was divided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawdown {
    highest: Quote,
    lowest: Quote,
    last: Quote,
    /// Peak and trough of the deepest fall; the same quote where the price never fell.
    peak: Quote,
    trough: Quote,
}

impl Drawdown {
    /// Of one price.
    ///
    /// # Errors
    /// A price that is not finite and greater than zero.
    pub fn of(value: f64, day: i32) -> Result<Self, MarketError> {
        let quote = Quote { price: price(value)?, day };
        Ok(Self { highest: quote, lowest: quote, last: quote, peak: quote, trough: quote })
    }

    /// The deepest fall as a fraction of its peak: zero, or a negative number.
    pub fn maximum(&self) -> f64 {
        self.trough.price / self.peak.price - 1.0
    }

    /// The last price against the highest so far: zero, or a negative number.
    pub fn current(&self) -> f64 {
        self.last.price / self.highest.price - 1.0
    }

    /// Where the deepest fall began; None where the price never fell.
    pub fn peak(&self) -> Option<Quote> {
        (self.trough.price < self.peak.price).then_some(self.peak)
    }

    /// Where the deepest fall ended; None where the price never fell.
    pub fn trough(&self) -> Option<Quote> {
        self.peak().map(|_| self.trough)
    }

    /// The last price.
    pub fn last(&self) -> Quote {
        self.last
    }
}

impl Segment for Drawdown {
    /// Of equal falls the one that ends first counts, and of those that end together the one that
    /// began last, where the price was at its highest for the last time.
    fn join(self, later: Self) -> Self {
        let fall = |&(peak, trough): &(Quote, Quote)| trough.price / peak.price;
        let within = (later.peak, later.trough);
        let across = (self.highest, later.lowest);
        let ends_first = across.1.day.cmp(&within.1.day).then(within.0.day.cmp(&across.0.day));
        let of_later = match fall(&across).total_cmp(&fall(&within)).then(ends_first) {
            Ordering::Greater => within,
            Ordering::Less | Ordering::Equal => across,
        };
        let before = (self.peak, self.trough);
        let (peak, trough) = if fall(&of_later) < fall(&before) { of_later } else { before };
        let higher = later.highest.price >= self.highest.price;
        let lower = later.lowest.price < self.lowest.price;
        Self {
            highest: if higher { later.highest } else { self.highest },
            lowest: if lower { later.lowest } else { self.lowest },
            last: later.last,
            peak,
            trough,
        }
    }
}

/// The segments of a moving frame as one, by two stacks: new ones are joined to a running total;
/// when the oldest is asked for, the stretch is gone through once backwards and every tail of it kept.
/// A segment is joined twice while it is in the frame, however long that is, and never taken apart,
/// so that nothing has to be inverted.
#[derive(Clone, Debug)]
pub struct Sliding<S> {
    /// Tails of the older part, the longest on top.
    tails: Vec<S>,
    /// The newer part, one by one and as one.
    newer: Vec<S>,
    total: Option<S>,
}

impl<S> Default for Sliding<S> {
    fn default() -> Self {
        Self { tails: Vec::new(), newer: Vec::new(), total: None }
    }
}

impl<S: Segment> Sliding<S> {
    /// Takes in the newest segment.
    pub fn push(&mut self, segment: S) {
        self.total = Some(self.total.map_or(segment, |total| total.join(segment)));
        self.newer.push(segment);
    }

    /// Takes out the oldest segment.
    pub fn remove_oldest(&mut self) {
        if self.tails.is_empty() {
            let mut tail: Option<S> = None;
            for segment in self.newer.drain(..).rev() {
                let longer = tail.map_or(segment, |tail| segment.join(tail));
                self.tails.push(longer);
                tail = Some(longer);
            }
            self.total = None;
        }
        self.tails.pop();
    }

    /// All segments of the frame as one; None if it is empty.
    pub fn total(&self) -> Option<S> {
        match (self.tails.last(), self.total) {
            (Some(&older), Some(newer)) => Some(older.join(newer)),
            (Some(&only), None) | (None, Some(only)) => Some(only),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(prices: &[f64]) -> Option<Drawdown> {
        (0..)
            .zip(prices)
            .map(|(day, price)| Drawdown::of(*price, day).unwrap())
            .reduce(Drawdown::join)
    }

    #[test]
    fn from_the_last_peak_to_the_first_trough() {
        let fall = of(&[100.0, 120.0, 120.0, 90.0, 110.0, 90.0, 130.0, 125.0]).unwrap();
        assert_eq!(fall.maximum(), 90.0 / 120.0 - 1.0);
        assert_eq!((fall.peak().unwrap().day, fall.trough().unwrap().day), (2, 3));
        assert_eq!(fall.current(), 125.0 / 130.0 - 1.0);
        let rise = of(&[1.0, 2.0, 3.0]).unwrap();
        assert_eq!((rise.maximum(), rise.current(), rise.peak()), (0.0, 0.0, None));
        assert!(Drawdown::of(0.0, 1).is_err());
        assert!(Drawdown::of(f64::NAN, 1).is_err());
    }

    proptest! {
        #[test]
        fn every_pair_is_looked_at(prices in proptest::collection::vec(1.0..9.0, 1..25)) {
            let mut deepest = 1.0f64;
            for (at, peak) in prices.iter().enumerate() {
                deepest = prices[at..].iter().fold(deepest, |d, trough| d.min(trough / peak));
            }
            prop_assert_eq!(of(&prices).unwrap().maximum(), deepest - 1.0);
        }

        #[test]
        fn a_moving_frame_is_what_it_is_anew(
            prices in proptest::collection::vec(1u8..6, 1..60), width in 1usize..10,
        ) {
            let prices: Vec<f64> = prices.into_iter().map(f64::from).collect();
            let mut moving = Sliding::default();
            for at in 0..prices.len() {
                moving.push(Drawdown::of(prices[at], at as i32).unwrap());
                if at >= width {
                    moving.remove_oldest();
                }
                let first = (at + 1).saturating_sub(width);
                let anew = (first..=at)
                    .map(|day| Drawdown::of(prices[day], day as i32).unwrap())
                    .reduce(Drawdown::join);
                prop_assert_eq!(moving.total(), anew);
            }
        }
    }
}
