//! Sums of doubles without any rounding.
//!
//! A double is a whole number times a power of two, and so is a product of two. Such a number is cut
//! at multiples of 64 bits, and its pieces are added to limbs of 128 bits, so that no carry is passed
//! on: a limb has room for more pieces than any table has rows. Hence a sum is the same whatever the
//! order and the grouping of its terms, a term comes out again as it went in, and what follows from
//! sums, such as a variance, is rounded once, at the end. A limb stands for a part of the range of
//! doubles; only those that are used are kept.

use std::cmp::Ordering;

/// Bits between two limbs.
const LIMB_BITS: i32 = 64;
/// Most limbs a term touches: a product of two doubles has 106 bits.
const TERM_LIMBS: usize = 3;
/// Limbs that are kept on either side of those in use, for terms of other sizes.
const MARGIN: i32 = 1;
/// Exponent of the lowest bit of the smallest doubles.
const EXPONENT_MIN: i32 = -1074;
/// Bits of the fraction of a double.
const FRACTION_BITS: u32 = 52;
/// The limbs that a product of three doubles or a count times one can reach, for what is read back.
const LIMB_MIN: i32 = -64;
const LIMB_MAX: i32 = 64;

/// A sum of doubles, of products of two doubles, and of whole multiples of them.
#[derive(Clone, Debug, Default)]
pub struct ExactSum {
    /// Place of the first limb: limb `i` counts in units of 2 to the power of 64 x (low + i).
    low: i32,
    limbs: Vec<i128>,
}

/// The whole number and the exponent of which a finite double is made, without its sign.
#[inline]
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let biased = ((bits >> FRACTION_BITS) & 0x7ff) as i32;
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    match biased {
        0 => (fraction, EXPONENT_MIN),
        _ => (fraction | 1 << FRACTION_BITS, biased - 1 + EXPONENT_MIN),
    }
}

impl ExactSum {
    /// Adds a finite number.
    #[inline]
    pub fn add(&mut self, value: f64) {
        let (whole, exponent) = parts(value);
        // As `put`, but 53 bits reach no third limb.
        let place = exponent.div_euclid(LIMB_BITS);
        let moved = u128::from(whole) << exponent.rem_euclid(LIMB_BITS);
        if self.slots(place).is_none() {
            self.widen(place, TERM_LIMBS as i32);
        }
        let mask = -i128::from(value.is_sign_negative());
        if let Some([first, second, _]) = self.slots(place) {
            *first += (i128::from(moved as u64) ^ mask) - mask;
            *second += (i128::from((moved >> LIMB_BITS) as u64) ^ mask) - mask;
        }
    }

    /// Takes away a finite number.
    #[inline]
    pub fn subtract(&mut self, value: f64) {
        self.add(-value);
    }

    /// Adds the product of two finite numbers.
    #[inline]
    pub fn add_product(&mut self, a: f64, b: f64) {
        let ((a_whole, a_exponent), (b_whole, b_exponent)) = (parts(a), parts(b));
        self.put(
            u128::from(a_whole) * u128::from(b_whole),
            a_exponent + b_exponent,
            a.is_sign_negative() != b.is_sign_negative(),
        );
    }

    /// Adds a finite number so many times.
    #[inline]
    pub fn add_times(&mut self, count: u64, value: f64) {
        let (whole, exponent) = parts(value);
        self.put(u128::from(whole) * u128::from(count), exponent, value.is_sign_negative());
    }

    /// Adds `whole` x 2^`exponent`, `whole` being below 2^117.
    #[inline]
    fn put(&mut self, whole: u128, exponent: i32, negative: bool) {
        let place = exponent.div_euclid(LIMB_BITS);
        let shift = exponent.rem_euclid(LIMB_BITS) as u32;
        let lower = u128::from(whole as u64) << shift;
        let upper = (whole >> LIMB_BITS) << shift;
        let middle = (lower >> LIMB_BITS) + (upper & u128::from(u64::MAX));
        let pieces = [lower & u128::from(u64::MAX), middle, upper >> LIMB_BITS];
        if self.slots(place).is_none() {
            self.widen(place, TERM_LIMBS as i32);
        }
        // A sign by mask rather than by a branch, which random signs would mispredict.
        let mask = -i128::from(negative);
        if let Some(slots) = self.slots(place) {
            for (slot, piece) in slots.iter_mut().zip(pieces) {
                *slot += (piece as i128 ^ mask) - mask;
            }
        }
    }

    /// The limbs a term touches, if there are such.
    #[inline]
    fn slots(&mut self, place: i32) -> Option<&mut [i128; TERM_LIMBS]> {
        let at = usize::try_from(place - self.low).ok()?;
        self.limbs.get_mut(at..)?.first_chunk_mut()
    }

    /// Makes room for `count` limbs from `place` on.
    #[cold]
    fn widen(&mut self, place: i32, count: i32) {
        let (first, end) = (place - MARGIN, place + count + MARGIN);
        if self.limbs.is_empty() {
            self.low = first;
        }
        let missing = usize::try_from(self.low - first).unwrap_or(0);
        if missing > 0 {
            self.limbs.splice(0..0, std::iter::repeat_n(0, missing));
            self.low = first;
        }
        let wanted = usize::try_from(end - self.low).unwrap_or(0);
        if self.limbs.len() < wanted {
            self.limbs.resize(wanted, 0);
        }
    }

    /// Adds what another sum has seen.
    pub fn merge(&mut self, other: &Self) {
        self.combine(other, false);
    }

    /// Takes away what another sum has seen.
    pub fn take_away(&mut self, other: &Self) {
        self.combine(other, true);
    }

    fn combine(&mut self, other: &Self, negative: bool) {
        if other.limbs.is_empty() {
            return;
        }
        let count = i32::try_from(other.limbs.len()).unwrap_or(0);
        let end = self.low + i32::try_from(self.limbs.len()).unwrap_or(0);
        if self.limbs.is_empty() || other.low < self.low || other.low + count > end {
            self.widen(other.low, count);
        }
        let skip = usize::try_from(other.low - self.low).unwrap_or(0);
        for (mine, theirs) in self.limbs.iter_mut().skip(skip).zip(&other.limbs) {
            *mine += if negative { -theirs } else { *theirs };
        }
    }

    /// The digits of the sum in base 2^64.
    pub(super) fn digits(&self) -> Digits {
        let mut digits = Vec::with_capacity(self.limbs.len() + 2);
        let mut carry = 0_i128;
        for limb in &self.limbs {
            let limb = limb + carry;
            digits.push(limb as u64);
            carry = limb >> LIMB_BITS;
        }
        digits.extend([carry as u64, (carry >> LIMB_BITS) as u64]);
        let negative = carry < 0;
        if negative {
            let mut borrowed = true;
            for digit in &mut digits {
                let (value, over) = (!*digit).overflowing_add(u64::from(borrowed));
                (*digit, borrowed) = (value, over);
            }
        }
        Digits { negative, low: self.low, digits }.trimmed()
    }

    /// Adds or takes away the product of two numbers of any length.
    pub(super) fn add_digits(&mut self, a: &Digits, b: &Digits, negative: bool) {
        let negative = negative != (a.negative != b.negative);
        if self.limbs.is_empty() {
            self.widen(a.low + b.low, (a.digits.len() + b.digits.len()) as i32 + 1);
        }
        for (i, &x) in (a.low..).zip(&a.digits) {
            for (j, &y) in (b.low..).zip(&b.digits) {
                let product = u128::from(x) * u128::from(y);
                self.put_digit(product as u64, i + j, negative);
                self.put_digit((product >> LIMB_BITS) as u64, i + j + 1, negative);
            }
        }
    }

    fn put_digit(&mut self, digit: u64, place: i32, negative: bool) {
        if self.slots(place).is_none() {
            self.widen(place, TERM_LIMBS as i32);
        }
        if let Some([slot, ..]) = self.slots(place) {
            *slot += if negative { -i128::from(digit) } else { i128::from(digit) };
        }
    }

    /// The sum, rounded once to the nearest double.
    pub fn value(&self) -> f64 {
        self.digits().value()
    }

    /// Writes the sum for another process.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend((self.limbs.len() as u32).to_le_bytes());
        bytes.extend(self.low.to_le_bytes());
        for limb in &self.limbs {
            bytes.extend(limb.to_le_bytes());
        }
    }

    /// Reads what [`ExactSum::write`] wrote, and returns what follows it.
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (count, rest) = bytes.split_first_chunk::<4>()?;
        let (low, mut rest) = rest.split_first_chunk::<4>()?;
        let (count, low) = (i32::from_le_bytes(*count), i32::from_le_bytes(*low));
        let bounded = LIMB_MIN..=LIMB_MAX;
        if !bounded.contains(&low) || !(0..=LIMB_MAX - LIMB_MIN).contains(&count) {
            return None;
        }
        let mut limbs = Vec::with_capacity(usize::try_from(count).ok()?);
        for _ in 0..count {
            let (limb, more) = rest.split_first_chunk::<16>()?;
            limbs.push(i128::from_le_bytes(*limb));
            rest = more;
        }
        Some((Self { low, limbs }, rest))
    }
}

/// A number of any length: its digits in base 2^64, the lowest first and counting in units of 2 to
/// the power of 64 x `low`; no digit at all for zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digits {
    negative: bool,
    low: i32,
    digits: Vec<u64>,
}

impl From<u64> for Digits {
    fn from(whole: u64) -> Self {
        u128::from(whole).into()
    }
}

impl From<u128> for Digits {
    fn from(whole: u128) -> Self {
        let digits = vec![whole as u64, (whole >> LIMB_BITS) as u64];
        Self { negative: false, low: 0, digits }.trimmed()
    }
}

impl Digits {
    /// Without zeros at either end.
    fn trimmed(mut self) -> Self {
        while self.digits.pop_if(|digit| *digit == 0).is_some() {}
        let zeros = self.digits.iter().take_while(|digit| **digit == 0).count();
        self.digits.drain(..zeros);
        self.low = if self.digits.is_empty() { 0 } else { self.low + zeros as i32 };
        self.negative &= !self.digits.is_empty();
        self
    }

    /// Whether the number is less than, equal to or greater than zero.
    pub(super) fn sign(&self) -> Ordering {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        }
    }

    /// a x b - c x d.
    pub(super) fn difference(a: &Self, b: &Self, c: &Self, d: &Self) -> Self {
        let mut sum = ExactSum::default();
        sum.add_digits(a, b, false);
        sum.add_digits(c, d, true);
        sum.digits()
    }

    /// The nearest double; infinite if there is none.
    pub(super) fn value(&self) -> f64 {
        self.value_from(self.low)
    }

    /// The nearest double to what the digits are if the lowest counts in units of 2^(64 x low).
    fn value_from(&self, low: i32) -> f64 {
        let mut from_top = self.digits.iter().rev().copied();
        let Some(top) = from_top.next() else { return 0.0 };
        let [second, third] = [from_top.next(), from_top.next()].map(Option::unwrap_or_default);
        let lead = top.leading_zeros();
        let pair = u128::from(top) << LIMB_BITS | u128::from(second);
        // 128 bits of which the first is set, and whether anything follows them: together they round
        // as the whole number does.
        let head = pair << lead | (u128::from(third) << lead) >> LIMB_BITS;
        let more = third << lead != 0 || from_top.any(|digit| digit != 0);
        let magnitude = (head | u128::from(more)) as f64;
        let places = low + self.digits.len() as i32 - 2;
        let value = libm::scalbn(magnitude, places * LIMB_BITS - lead as i32);
        if self.negative { -value } else { value }
    }

    /// The quotient of two numbers, which are rounded once each.
    pub(super) fn over(&self, other: &Self) -> f64 {
        // Numbers beyond the doubles have a quotient within them; only exponents change.
        let shift = other.low + other.digits.len() as i32;
        self.value_from(self.low - shift) / other.value_from(other.low - shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[f64]) -> ExactSum {
        let mut sum = ExactSum::default();
        values.iter().for_each(|value| sum.add(*value));
        sum
    }

    #[test]
    fn nothing_is_lost_between_the_largest_and_the_smallest() {
        assert_eq!(of(&[]).value(), 0.0);
        assert_eq!(of(&[0.0, -0.0]).value(), 0.0);
        assert_eq!(of(&[1e300, 1.0, -1e300]).value(), 1.0);
        assert_eq!(of(&[f64::MAX, f64::MAX, -f64::MAX]).value(), f64::MAX);
        assert_eq!(of(&[f64::MAX, 5e-324, -f64::MAX]).value(), 5e-324);
        assert_eq!(of(&[f64::MAX, f64::MAX]).value(), f64::INFINITY);
        assert_eq!(of(&[0.1; 10]).value(), 1.0);
        // Half-way cases go to the even neighbour, unless something follows them.
        let half = 2f64.powi(-53);
        assert_eq!(of(&[1.0, half]).value(), 1.0);
        assert_eq!(of(&[1.0, half, 5e-324]).value(), 1.0 + f64::EPSILON);
        assert_eq!(of(&[-1.0, -half, -5e-324]).value(), -1.0 - f64::EPSILON);
    }

    #[test]
    fn products_of_the_extremes_have_their_place() {
        for (a, b) in [(f64::MAX, f64::MAX), (5e-324, 5e-324), (f64::MAX, 5e-324), (-1e200, 1e-300)]
        {
            let mut sum = ExactSum::default();
            sum.add_product(a, b);
            sum.add_product(-a, b);
            assert_eq!(sum.value(), 0.0);
            sum.add_product(a, b);
            assert_eq!(sum.value(), a * b, "{a} x {b}");
        }
        let mut squares = ExactSum::default();
        let [large, larger] = [2f64.powi(700), 2f64.powi(1000)];
        squares.add_product(large, large);
        assert_eq!(squares.digits().over(&of(&[larger]).digits()), 2f64.powi(400));
        squares.add_times(7, -0.25);
        squares.add_product(-large, large);
        assert_eq!(squares.value(), -1.75);
    }

    #[test]
    fn damaged_bytes_are_not_read() {
        let mut bytes = Vec::new();
        of(&[1.5, -1e100]).write(&mut bytes);
        assert!(ExactSum::read(&bytes[..bytes.len() - 1]).is_none());
        bytes[7] = 0x7f;
        assert!(ExactSum::read(&bytes).is_none());
        assert!(ExactSum::read(&[]).is_none());
    }

    fn any_finite() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |value| value.is_finite()),
            -1.0..1.0,
            (0i32..10_000_000).prop_map(|cents| f64::from(cents) / 100.0),
        ]
    }

    proptest! {
        #[test]
        fn neither_order_nor_grouping_matters_and_terms_come_out_again(
            values in proptest::collection::vec(any_finite(), 0..40),
            cut in 0usize..40,
        ) {
            let cut = cut.min(values.len());
            let whole = of(&values).digits();
            let backwards: Vec<_> = values.iter().rev().copied().collect();
            prop_assert_eq!(&of(&backwards).digits(), &whole);
            let (left, right) = values.split_at(cut);
            let mut merged = of(left);
            merged.merge(&of(right));
            prop_assert_eq!(&merged.digits(), &whole);
            merged.take_away(&of(right));
            prop_assert_eq!(merged.digits(), of(left).digits());
            for value in left {
                merged.subtract(*value);
            }
            prop_assert_eq!(merged.value(), 0.0);
            let mut bytes = Vec::new();
            of(&values).write(&mut bytes);
            let (read, rest) = ExactSum::read(&bytes).unwrap();
            prop_assert!(rest.is_empty());
            prop_assert_eq!(read.digits(), whole);
        }

        #[test]
        fn whole_numbers_are_summed_as_whole_numbers(
            values in proptest::collection::vec((-1i64 << 50..1i64 << 50, -1i64 << 50..1i64 << 50), 1..40),
        ) {
            let mut sum = ExactSum::default();
            let mut expected = 0_i128;
            for &(a, b) in &values {
                sum.add_product(a as f64, b as f64);
                expected += i128::from(a) * i128::from(b);
            }
            prop_assert_eq!(sum.value(), expected as f64);
            let square = Digits::difference(&sum.digits(), &7_u64.into(), &3_u64.into(), &sum.digits());
            prop_assert_eq!(square.value(), (4 * expected) as f64);
        }
    }
}
