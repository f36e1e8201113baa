//! `numeric` to and from [`Decimal`], digit by digit.
//!
//! The stored form of a numeric has not changed since PostgreSQL 9.1: after the length word a
//! 16-bit header. If its top bits are 10 the header is short: one bit of sign, six of display
//! scale, seven of weight. If they are 00 or 01 it is long: sign and 14 bits of display scale,
//! then a 16-bit weight. 11 marks NaN and the infinities. Digits in base 10,000 follow, the first
//! worth 10,000 to the weight. A value read here costs about a tenth of a passage through text.

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::{Datum, UnboxDatum};
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::{FromDatum, IntoDatum, PgSqlErrorCode, impl_sql_translatable, pg_sys, varlena};
use rust_decimal::Decimal;

use super::argument::given;

/// A `numeric` of at most 28 significant digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Num(pub Decimal);

impl_sql_translatable!(Num, "numeric");

const SIGN_MASK: u16 = 0xC000;
const NEGATIVE: u16 = 0x4000;
const SHORT: u16 = 0x8000;
const SPECIAL: u16 = 0xC000;
const NAN: u16 = 0xC000;
const POSITIVE_INFINITY: u16 = 0xD000;
const SHORT_SIGN: u16 = 0x2000;
const SHORT_SCALE_SHIFT: u16 = 7;
const SHORT_SCALE_MASK: u16 = 0x1F80;
const SHORT_WEIGHT_SIGN: u16 = 0x0040;
const SHORT_WEIGHT_MASK: u16 = 0x003F;
const LONG_SCALE_MASK: u16 = 0x3FFF;

const BASE: u128 = 10_000;
/// Decimals a digit of base 10,000 has.
const DIGIT_DECIMALS: i32 = 4;
/// Largest coefficient of a `Decimal`: 96 bits.
const COEFFICIENT_MAX: u128 = (1 << 96) - 1;
const SCALE_MAX: i32 = 28;

fn refused(detail: &str, hint: &str) -> ErrorReport {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        "numeric out of range for exact arithmetic",
        "",
    )
    .set_detail(detail.to_owned())
    .set_hint(hint.to_owned())
}

fn damaged() -> ErrorReport {
    refused("The stored value is cut short.", "Check the table with amcheck.")
}

/// Reads the bytes of a numeric after its length word.
fn decode(bytes: &[u8]) -> Result<Decimal, ErrorReport> {
    let word = |index: usize| {
        let at = index * 2;
        bytes.get(at..at + 2).map(|pair| u16::from_ne_bytes([pair[0], pair[1]]))
    };
    let header = word(0).ok_or_else(damaged)?;
    let (negative, display_scale, weight, first_digit) = match header & SIGN_MASK {
        SPECIAL => {
            let value = match header {
                NAN => "The value is NaN.",
                POSITIVE_INFINITY => "The value is Infinity.",
                _ => "The value is -Infinity.",
            };
            return Err(refused(value, "Give a finite number."));
        }
        SHORT => {
            let magnitude = (header & SHORT_WEIGHT_MASK) as i32;
            let weight = if header & SHORT_WEIGHT_SIGN == 0 { magnitude } else { magnitude - 64 };
            let scale = (header & SHORT_SCALE_MASK) >> SHORT_SCALE_SHIFT;
            (header & SHORT_SIGN != 0, scale as i32, weight, 1)
        }
        sign => {
            let weight = word(1).ok_or_else(damaged)? as i16;
            (sign == NEGATIVE, (header & LONG_SCALE_MASK) as i32, weight as i32, 2)
        }
    };
    let count = bytes.len() / 2 - first_digit;
    let too_long = || {
        refused(
            "The value has more than 28 significant digits.",
            "Round the value to at most 28 significant digits.",
        )
    };

    let mut coefficient: u128 = 0;
    for index in 0..count {
        let digit = word(first_digit + index).unwrap_or(0) as u128;
        coefficient = coefficient
            .checked_mul(BASE)
            .and_then(|shifted| shifted.checked_add(digit))
            .ok_or_else(too_long)?;
    }
    // The decimals the digits reach; negative where whole groups of zeros are not stored.
    let mut scale = (count as i32 - 1 - weight) * DIGIT_DECIMALS;
    if coefficient == 0 {
        scale = 0;
    }
    // The last group may reach beyond the display scale, always with zeros.
    while scale > 0
        && (scale > display_scale || scale > SCALE_MAX || coefficient > COEFFICIENT_MAX)
        && coefficient.is_multiple_of(10)
    {
        coefficient /= 10;
        scale -= 1;
    }
    // The display scale may ask for zeros that are not stored; they are kept while they fit.
    let wanted = display_scale.min(SCALE_MAX);
    while scale < wanted {
        match coefficient.checked_mul(10).filter(|&next| next <= COEFFICIENT_MAX) {
            Some(next) => coefficient = next,
            None if scale < 0 => return Err(too_long()),
            None => break,
        }
        scale += 1;
    }
    if coefficient > COEFFICIENT_MAX || scale > SCALE_MAX {
        return Err(too_long());
    }
    Decimal::try_from_i128_with_scale(
        if negative { -(coefficient as i128) } else { coefficient as i128 },
        scale as u32,
    )
    .map_err(|_| too_long())
}

/// Groups of four digits of a 96-bit coefficient, with one more where the decimals split a group.
const GROUPS_MAX: usize = 10;
/// What a number must stay below to have at most four groups.
const FOUR_GROUPS: u64 = 10_000_000_000_000_000;
/// Bytes of the short header and of all groups.
const BODY_MAX: usize = 2 + 2 * GROUPS_MAX;
/// The same in words.
const BODY_WORDS: usize = BODY_MAX.div_ceil(8);

/// A numeric as it is stored after the length word, in words, the first byte in the lowest bits: so
/// it stays in registers until it is written.
#[derive(Clone, Copy)]
pub(super) struct Body {
    words: [u64; BODY_WORDS],
    length: usize,
}

impl Body {
    /// A number given as coefficient / 10^scale.
    #[inline]
    pub(super) fn of(coefficient: i128, scale: u32) -> Self {
        let magnitude = coefficient.unsigned_abs();
        let small = u64::try_from(magnitude).ok().and_then(|it| four_groups(it, scale));
        match small {
            Some(aligned) => Self::of_four_groups(coefficient < 0, scale, aligned),
            None => Self::of_any(coefficient < 0, magnitude, scale),
        }
    }

    /// The same for an amount of minor units, which is what most rows are made of.
    #[inline]
    pub(super) fn of_minor(units: i64, decimals: u32) -> Self {
        match four_groups(units.unsigned_abs(), decimals) {
            Some(aligned) => Self::of_four_groups(units < 0, decimals, aligned),
            None => Self::of(i128::from(units), decimals),
        }
    }

    /// Zero.
    #[inline]
    pub(super) fn zero(scale: u32) -> Self {
        Self { words: [u64::from(header(false, scale, 0).to_le()), 0, 0], length: 2 }
    }

    /// A magnitude with zeros up to the end of its last group, of at most four groups. No branch
    /// depends on the digits, for those of the next amount cannot be foretold.
    #[inline]
    fn of_four_groups(negative: bool, scale: u32, aligned: u64) -> Self {
        let (upper, lower) = ((aligned / 100_000_000) as u32, (aligned % 100_000_000) as u32);
        let group = |value: u32| u64::from((value as u16).to_le());
        // In the order they are stored, the first in the lowest bits.
        let groups = group(upper / 10_000)
            | group(upper % 10_000) << 16
            | group(lower / 10_000) << 32
            | group(lower % 10_000) << 48;
        // Neither leading nor trailing groups of zeros are stored.
        let leading = groups.trailing_zeros().min(48) / 16;
        let packed = groups >> (leading * 16);
        let kept = (u64::BITS - packed.leading_zeros()).div_ceil(16);
        let weight = match kept {
            0 => 0,
            _ => 3 - leading as i32 - scale.div_ceil(4) as i32,
        };
        let stored = u128::from(packed) << 16 | u128::from(header(negative, scale, weight).to_le());
        Self {
            words: [stored as u64, (stored >> u64::BITS) as u64, 0],
            length: 2 + 2 * kept as usize,
        }
    }

    /// Any magnitude.
    fn of_any(negative: bool, magnitude: u128, scale: u32) -> Self {
        // The last group alone takes the padding, so that nothing overflows.
        let power = PADDING[(scale % 4) as usize];
        let mut groups = [0u16; GROUPS_MAX];
        let last = u128::from(10_000 / power);
        groups[0] = (magnitude % last) as u16 * power as u16;
        let (mut left, mut count) = (magnitude / last, 1);
        while left > 0 {
            groups[count] = (left % BASE) as u16;
            left /= BASE;
            count += 1;
        }
        // Trailing groups of zeros are never stored.
        let zeros = groups[..count].iter().take_while(|group| **group == 0).count();
        let kept = count - zeros;
        let weight = match kept {
            0 => 0,
            _ => count as i32 - scale.div_ceil(4) as i32 - 1,
        };
        let mut bytes = [0; BODY_WORDS * 8];
        bytes[..2].copy_from_slice(&header(negative, scale, weight).to_ne_bytes());
        for (place, group) in bytes[2..].chunks_exact_mut(2).zip(groups[zeros..count].iter().rev())
        {
            place.copy_from_slice(&group.to_ne_bytes());
        }
        let (words, _) = bytes.as_chunks();
        let mut found = Self { words: [0; BODY_WORDS], length: 2 + 2 * kept };
        for (word, bytes) in found.words.iter_mut().zip(words) {
            *word = u64::from_le_bytes(*bytes);
        }
        found
    }

    /// Its bytes, and some behind it.
    #[inline]
    fn put(&self, place: &mut [u8]) {
        let (places, _) = place.as_chunks_mut();
        for (place, word) in places.iter_mut().zip(self.words) {
            *place = word.to_le_bytes();
        }
    }

    /// Writes it with a length word, of one byte unless the number is long, and gives where the next
    /// column begins; `at` is where this one may.
    ///
    /// A length word of four bytes is aligned, so it costs three to six bytes more. It is worth them
    /// where the server forms the row anew, as `insert … select` does: with it the server copies
    /// the number by `memcpy` and makes the word short itself. A number whose word is short it
    /// copies inline, for which compilers take a string instruction beyond seven bytes; that takes
    /// several times as long.
    #[inline]
    pub(super) fn write(&self, place: &mut [u8; NUMERIC_MAX], at: usize) -> usize {
        if self.length < INLINE_MAX {
            let length = 1 + self.length as u8;
            place[0] = if cfg!(target_endian = "big") { 0x80 | length } else { length << 1 | 1 };
            self.put(&mut place[1..]);
            return at + 1 + self.length;
        }
        let length = (pg_sys::VARHDRSZ + self.length) as u32;
        let word = if cfg!(target_endian = "big") { length } else { length << 2 };
        // Bytes that only align are zero, by which the server tells them from a short word.
        let start = at.next_multiple_of(pg_sys::VARHDRSZ) - at;
        place[..pg_sys::VARHDRSZ].fill(0);
        place[start..start + pg_sys::VARHDRSZ].copy_from_slice(&word.to_ne_bytes());
        self.put(&mut place[start + pg_sys::VARHDRSZ..]);
        at + start + length as usize
    }
}

/// Bytes up to which a number, its length word of one byte included, is copied inline at no cost.
const INLINE_MAX: usize = 7;
/// Most bytes a numeric takes in a row, and those that writing it may touch behind it.
pub(super) const NUMERIC_MAX: usize = 2 * pg_sys::VARHDRSZ + BODY_WORDS * 8;

/// What aligns the last group of a number of decimals with the point, by decimals modulo four.
const PADDING: [u64; 4] = [1, 1000, 100, 10];

/// `magnitude` with zeros up to the end of its last group, if it then has at most four groups.
#[inline]
fn four_groups(magnitude: u64, scale: u32) -> Option<u64> {
    magnitude.checked_mul(PADDING[(scale % 4) as usize]).filter(|&aligned| aligned < FOUR_GROUPS)
}

/// The short header.
#[inline]
fn header(negative: bool, scale: u32, weight: i32) -> u16 {
    SHORT
        | if negative { SHORT_SIGN } else { 0 }
        | ((scale as u16) << SHORT_SCALE_SHIFT)
        | if weight < 0 { SHORT_WEIGHT_SIGN } else { 0 }
        | (weight as u16 & SHORT_WEIGHT_MASK)
}

impl Num {
    /// The value as a numeric in the current memory context.
    fn palloc(self) -> pg_sys::Datum {
        let body = Body::of(self.0.mantissa(), self.0.scale());
        let length = pg_sys::VARHDRSZ + body.length;
        // SAFETY: palloc returns `length` writable bytes, aligned for any type, or raises; the body
        // follows the length word and has the bytes counted.
        unsafe {
            let copy = pg_sys::palloc(length);
            varlena::set_varsize_4b(copy.cast(), length as i32);
            let to = copy.cast::<u8>().add(pg_sys::VARHDRSZ);
            let words = body.words.map(u64::to_le);
            std::ptr::copy_nonoverlapping(words.as_ptr().cast(), to, body.length);
            pg_sys::Datum::from(copy)
        }
    }

    /// # Safety
    /// `datum` must be a non-null numeric.
    unsafe fn read(datum: pg_sys::Datum) -> Result<Decimal, ErrorReport> {
        // SAFETY: a numeric is a varlena, which may be compressed, out of line or short.
        unsafe {
            let stored: *mut pg_sys::varlena = datum.cast_mut_ptr();
            let plain = pg_sys::pg_detoast_datum_packed(stored);
            let result = decode(varlena::varlena_to_byte_slice(plain));
            if plain != stored {
                pg_sys::pfree(plain.cast());
            }
            result
        }
    }
}

impl FromDatum for Num {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        // SAFETY: the caller vouches that a datum that is not NULL is a numeric.
        (!null).then(|| Num(unsafe { Num::read(datum) }.unwrap_or_report()))
    }
}

impl IntoDatum for Num {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(self.palloc())
    }
    fn type_oid() -> pg_sys::Oid {
        pg_sys::NUMERICOID
    }
}

// SAFETY: reads the datum as the numeric it is declared to be.
unsafe impl UnboxDatum for Num {
    type As<'src> = Num;
    unsafe fn unbox<'src>(datum: Datum<'src>) -> Self
    where
        Self: 'src,
    {
        // SAFETY: the caller vouches that the datum is a non-null numeric.
        Num(unsafe { Num::read(datum.sans_lifetime()) }.unwrap_or_report())
    }
}

// SAFETY: declared in SQL as numeric.
unsafe impl<'fcx> ArgAbi<'fcx> for Num {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: declared as numeric.
        unsafe { given(arg) }
    }
}

// SAFETY: the datum is a numeric in the caller's memory context.
unsafe impl BoxRet for Num {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: a by-reference datum of the declared type, palloc'd for the caller.
        unsafe { fcinfo.return_raw_datum(self.palloc()) }
    }
}
