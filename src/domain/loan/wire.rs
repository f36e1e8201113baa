//! Numbers, amounts and dates in as few bytes as they need.
//!
//! Integers are written seven bits to a byte, the lowest first; those with a sign have it in their
//! lowest bit. Amounts are minor units where they are whole ones; nothing of them is one byte. Dates
//! are days from a date that both sides know. What is read is never trusted: bytes that do not make
//! what they should are an error, and no list is made longer than the bytes that are left.

use chrono::{Datelike, Days, NaiveDate};
use rust_decimal::Decimal;

use crate::domain::calendar::civil::days_between;
use crate::domain::limits::{YEAR_MAX, YEAR_MIN};

/// Bytes that are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

/// Bits of an integer in one byte, and the bit that says that more follow.
const GROUP_BITS: u32 = 7;
const MORE: u8 = 0x80;
/// What amounts of minor units are below, so that their form fits 64 bits.
const PLAIN_MAX: i128 = 1 << 61;
/// What other integers are below, so that a few of them can be added up.
const WIDE_MAX: i128 = 1 << 100;

/// Writes values one after the other.
#[derive(Debug)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    /// The decimals of an amount in minor units.
    minor_units: u32,
}

impl Writer {
    pub(crate) fn new(minor_units: u32) -> Self {
        Self { bytes: Vec::with_capacity(2_048), minor_units }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn written(&self) -> &[u8] {
        &self.bytes
    }

    /// The decimals of an amount in minor units.
    pub(crate) fn minor_units(&self) -> u32 {
        self.minor_units
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= u64::from(MORE) {
            self.bytes.push(number as u8 | MORE);
            number >>= GROUP_BITS;
        }
        self.bytes.push(number as u8);
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    pub(crate) fn signed(&mut self, number: i64) {
        self.number((number << 1 ^ number >> 63) as u64);
    }

    /// An integer of any size.
    pub(crate) fn wide(&mut self, number: i128) {
        let mut rest = (number << 1 ^ number >> 127) as u128;
        while rest >= u128::from(MORE) {
            self.bytes.push(rest as u8 | MORE);
            rest >>= GROUP_BITS;
        }
        self.bytes.push(rest as u8);
    }

    /// An amount or any other decimal; its digits are kept, zero is zero.
    pub(crate) fn decimal(&mut self, value: Decimal) {
        let (digits, scale) = (value.mantissa(), value.scale());
        if digits == 0 {
            self.byte(0);
        } else if scale == self.minor_units && digits.abs() < PLAIN_MAX {
            let digits = digits as i64;
            self.number(((digits << 1 ^ digits >> 63) as u64) << 1 | 1);
        } else {
            self.byte(2);
            self.byte(scale as u8);
            self.wide(digits);
        }
    }

    /// A date by its days since another.
    pub(crate) fn date(&mut self, since: NaiveDate, date: NaiveDate) {
        self.signed(i64::from(days_between(since, date)));
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.raw(text.as_bytes());
    }

    pub(crate) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(crate) fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.count(items.len());
        for item in items {
            write(self, item);
        }
    }
}

/// Reads what a [`Writer`] wrote.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    minor_units: u32,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, minor_units: 0 }
    }

    /// Says how many decimals an amount in minor units has.
    pub(crate) fn in_minor_units(&mut self, minor_units: u32) {
        self.minor_units = minor_units;
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8, Damaged> {
        let (&first, rest) = self.rest.split_first().ok_or(Damaged)?;
        self.rest = rest;
        Ok(first)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Damaged> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Damaged),
        }
    }

    pub(crate) fn raw(&mut self, count: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Damaged)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(crate) fn number(&mut self) -> Result<u64, Damaged> {
        let first = self.byte()?;
        if first < MORE {
            return Ok(u64::from(first));
        }
        let (mut number, mut shift) = (u64::from(first & !MORE), GROUP_BITS);
        loop {
            let byte = self.byte()?;
            let group = u64::from(byte & !MORE);
            if shift == 63 && group > 1 {
                return Err(Damaged);
            }
            number |= group << shift;
            if byte < MORE {
                return Ok(number);
            }
            shift += GROUP_BITS;
            if shift > 63 {
                return Err(Damaged);
            }
        }
    }

    pub(crate) fn small(&mut self) -> Result<u32, Damaged> {
        u32::try_from(self.number()?).map_err(|_| Damaged)
    }

    /// The length of a list: of items of at least a byte, and no more than allowed.
    pub(crate) fn count(&mut self, most: usize) -> Result<usize, Damaged> {
        let count = usize::try_from(self.number()?).map_err(|_| Damaged)?;
        if count > most || count > self.rest.len() { Err(Damaged) } else { Ok(count) }
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Damaged> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    pub(crate) fn wide(&mut self) -> Result<i128, Damaged> {
        let (mut short, mut shift) = (0u64, 0u32);
        while shift < 63 {
            let byte = self.byte()?;
            short |= u64::from(byte & !MORE) << shift;
            if byte < MORE {
                return Ok(i128::from((short >> 1) as i64 ^ -((short & 1) as i64)));
            }
            shift += GROUP_BITS;
        }
        let mut number = u128::from(short);
        loop {
            let byte = self.byte()?;
            if shift > 98 {
                return Err(Damaged);
            }
            number |= u128::from(byte & !MORE) << shift;
            if byte < MORE {
                break;
            }
            shift += GROUP_BITS;
        }
        let number = (number >> 1) as i128 ^ -((number & 1) as i128);
        if number.abs() < WIDE_MAX { Ok(number) } else { Err(Damaged) }
    }

    #[inline]
    pub(crate) fn decimal(&mut self) -> Result<Decimal, Damaged> {
        let head = self.number()?;
        if head == 0 {
            return Ok(Decimal::ZERO);
        }
        if head & 1 == 1 {
            let digits = head >> 1;
            let digits = (digits >> 1) as i64 ^ -((digits & 1) as i64);
            return Decimal::try_new(digits, self.minor_units).map_err(|_| Damaged);
        }
        if head != 2 {
            return Err(Damaged);
        }
        let scale = u32::from(self.byte()?);
        Decimal::try_from_i128_with_scale(self.wide()?, scale).map_err(|_| Damaged)
    }

    /// An amount of so many minor units.
    #[inline]
    pub(crate) fn minor(&self, minor: i128) -> Result<Decimal, Damaged> {
        Decimal::try_from_i128_with_scale(minor, self.minor_units).map_err(|_| Damaged)
    }

    #[inline]
    pub(crate) fn date(&mut self, since: NaiveDate) -> Result<NaiveDate, Damaged> {
        let days = self.signed()?;
        let count = Days::new(days.unsigned_abs());
        let date =
            if days < 0 { since.checked_sub_days(count) } else { since.checked_add_days(count) };
        let date = date.ok_or(Damaged)?;
        // What is there from the beginning counts from the first of all days.
        if (YEAR_MIN..=YEAR_MAX).contains(&date.year()) || date == NaiveDate::MIN {
            Ok(date)
        } else {
            Err(Damaged)
        }
    }

    pub(crate) fn text(&mut self) -> Result<String, Damaged> {
        let count = self.count(usize::MAX)?;
        String::from_utf8(self.raw(count)?.to_vec()).map_err(|_| Damaged)
    }

    pub(crate) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Damaged>,
    ) -> Result<Option<T>, Damaged> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    pub(crate) fn list<T>(
        &mut self,
        most: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, Damaged>,
    ) -> Result<Vec<T>, Damaged> {
        let count = self.count(most)?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            number in any::<u64>(), signed in any::<i64>(), digits in any::<i64>(),
            scale in 0u32..29, days in 1i32..3_652_059, text in ".*",
        ) {
            let (value, since) = (Decimal::new(digits, scale), NaiveDate::MIN);
            let date = NaiveDate::from_num_days_from_ce_opt(days).unwrap();
            let mut writer = Writer::new(2);
            writer.number(number);
            writer.signed(signed);
            writer.wide(i128::from(signed) * 1_000);
            writer.decimal(value);
            writer.date(since, date);
            writer.text(&text);
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes);
            reader.in_minor_units(2);
            prop_assert_eq!(reader.number(), Ok(number));
            prop_assert_eq!(reader.signed(), Ok(signed));
            prop_assert_eq!(reader.wide(), Ok(i128::from(signed) * 1_000));
            let read = reader.decimal().unwrap();
            prop_assert!(read == value && (read.is_zero() || read.scale() == scale));
            prop_assert_eq!(reader.date(since), Ok(date));
            prop_assert_eq!(reader.text(), Ok(text));
            prop_assert!(reader.is_at_end());
        }

        #[test]
        fn whatever_is_read_is_bounded(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = Reader::new(&bytes).number();
            let _ = Reader::new(&bytes).wide();
            let _ = Reader::new(&bytes).decimal();
            let _ = Reader::new(&bytes).date(NaiveDate::MIN);
            let _ = Reader::new(&bytes).text();
            if let Ok(list) = Reader::new(&bytes).list(usize::MAX, Reader::number) {
                prop_assert!(list.len() < bytes.len());
            }
        }
    }
}
