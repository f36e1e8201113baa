//! A set of days that counts its members before any day in constant time.

/// Days of a set, one bit each, with the number of members before every word of 64 days.
///
/// The count before a day is the count before its word plus the ones below its bit, so it takes
/// two reads and one population count whatever the size of the set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DaySet {
    /// Day number of the first bit.
    first: i32,
    words: Vec<u64>,
    /// Members before each word, and in the last place all of them.
    before: Vec<u32>,
}

impl DaySet {
    /// The set of the given day numbers, in any order and with repetitions.
    pub(super) fn new(days: &[i32]) -> Self {
        let (Some(&first), Some(&last)) = (days.iter().min(), days.iter().max()) else {
            return Self::default();
        };
        let mut words = vec![0_u64; ((last - first) / 64 + 1) as usize];
        for day in days {
            let offset = day - first;
            if let Some(word) = words.get_mut((offset / 64) as usize) {
                *word |= 1 << (offset % 64);
            }
        }
        let mut total = 0;
        let mut before = Vec::with_capacity(words.len() + 1);
        for word in &words {
            before.push(total);
            total += word.count_ones();
        }
        before.push(total);
        Self { first, words, before }
    }

    /// How many members the set has.
    pub(super) fn len(&self) -> u32 {
        self.before.last().copied().unwrap_or(0)
    }

    /// Whether the set has a day.
    pub(super) fn contains(&self, day: i32) -> bool {
        let offset = day - self.first;
        offset >= 0
            && self
                .words
                .get((offset / 64) as usize)
                .is_some_and(|word| word >> (offset % 64) & 1 == 1)
    }

    /// How many members lie before a day.
    pub(super) fn count_before(&self, day: i32) -> u32 {
        let offset = day - self.first;
        if offset <= 0 {
            return 0;
        }
        let index = (offset / 64) as usize;
        match (self.words.get(index), self.before.get(index)) {
            (Some(word), Some(before)) => before + (word & ((1 << (offset % 64)) - 1)).count_ones(),
            _ => self.len(),
        }
    }
}
