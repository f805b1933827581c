//! A small mutator: seeded, so that a run can be repeated.

/// No parser's bugs need more, and small inputs are many inputs.
const LONGEST: usize = 16 * 1024;

/// Makes inputs out of inputs.
#[derive(Debug)]
pub(super) struct Mutator {
    state: u64,
    words: Vec<Vec<u8>>,
}

impl Mutator {
    /// With a seed, and the words of the format (at least one).
    pub(super) fn new(seed: u64, words: Vec<Vec<u8>>) -> Self {
        Self { state: seed, words }
    }

    /// One of the inputs, changed in a few places.
    pub(super) fn mutation(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.one_of(corpus).clone();
        for _ in 0..=self.below(6) {
            self.change(&mut input, corpus);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let end = at + self.below(input.len() - at + 1).min(64);
        match self.below(8) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.byte(),
            2 => drop(input.drain(at..end)),
            3 => {
                let word = self.below(self.words.len());
                insert(input, at, &self.words[word]);
            }
            4 => input.insert(at, self.byte()),
            5 => {
                let copy = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                (0..=self.below(4)).for_each(|_| insert(input, to, &copy));
            }
            6 => {
                let other = self.one_of(corpus);
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => input.truncate(at.max(input.len() / 2)),
        }
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// SplitMix64: any seed will do, and it is the same on every machine.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Vec<Vec<u8>> {
        vec![b"word".to_vec()]
    }

    #[test]
    fn the_same_seed_makes_the_same_inputs() {
        let corpus = [b"one".to_vec(), b"another".to_vec(), Vec::new()];
        let inputs = |seed| {
            let mut mutator = Mutator::new(seed, words());
            (0..500)
                .map(|_| mutator.mutation(&corpus))
                .collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
    }

    #[test]
    fn no_input_grows_without_bound() {
        let mut corpus = vec![vec![b'x'; LONGEST]];
        let mut mutator = Mutator::new(3, words());
        for _ in 0..200 {
            let input = mutator.mutation(&corpus);
            assert!(input.len() <= LONGEST);
            corpus.push(input);
        }
    }
}
