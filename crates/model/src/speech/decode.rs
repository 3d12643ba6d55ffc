//! The words of one window: the likeliest token after the other, and what to do when that leads nowhere.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::package::TokenSpec;
use super::rules::{Rules, log_sum_exp};
use super::whisper::{Heard, Whisper};
use crate::Result;

/// Most tokens of a window.
const LONGEST: usize = 224;

/// A text that loops is tried again, drawn by chance at the next of these temperatures.
const TEMPERATURES: [f32; 3] = [0.0, 0.4, 0.8];

/// The probability that somebody speaks counts as much as that of so many tokens.
const SPEECH_COUNTS: f32 = 5.0;

/// How sure a text must be, see [`Try::sure`]. On made-up voices and on sounds without words (see `tools/README.md`) this parts nearly all.
const LEAST_SURE: f32 = -1.2;

/// What decodes the texts of windows.
pub(super) struct Decoder {
    tokens: TokenSpec,
    rules: Rules,
}

/// One try at a text.
#[derive(Debug, Clone, PartialEq)]
struct Try {
    /// Words and marks of time.
    said: Vec<u32>,
    /// The mean logarithm of their probabilities.
    likely: f32,
    loops: bool,
    /// The probability that nobody speaks.
    no_speech: f32,
}

impl Try {
    /// The mean logarithm of the probabilities of its tokens, and that of the probability that somebody speaks, which says less of longer
    /// texts: what is made up of noise is mostly short.
    fn sure(&self) -> f32 {
        let tokens = (self.said.len() + 1) as f32;
        self.likely + (1.0 - self.no_speech).ln() * SPEECH_COUNTS / tokens
    }
}

impl Decoder {
    pub(super) fn new(tokens: &TokenSpec) -> Self {
        Self {
            tokens: tokens.clone(),
            rules: Rules::new(tokens),
        }
    }

    /// The words and marks of time of a window, none where nobody speaks or nothing can be understood. The same window gives the same.
    pub(super) fn decode(&self, whisper: &mut Whisper, heard: &Heard) -> Result<Vec<u32>> {
        self.best(|temperature| {
            let mut telling = whisper.tell(heard)?;
            self.attempt(temperature, |token| telling.say(token))
        })
    }

    /// The first try that does not loop, where it is sure.
    fn best(&self, mut attempt: impl FnMut(f32) -> Result<Try>) -> Result<Vec<u32>> {
        for temperature in TEMPERATURES {
            let found = attempt(temperature)?;
            if !found.loops {
                let sure = found.sure() >= LEAST_SURE;
                return Ok(if sure { found.said } else { Vec::new() });
            }
        }
        Ok(Vec::new())
    }

    /// One text; `say` takes a token and gives the logits of the next.
    fn attempt(&self, temperature: f32, mut say: impl FnMut(u32) -> Result<Vec<f32>>) -> Result<Try> {
        let mut chance = ChaCha8Rng::seed_from_u64(0);
        let mut logits = say(self.tokens.begin)?;
        let no_speech = (logit(&logits, self.tokens.no_speech) - log_sum_exp(&logits)).exp();
        let (mut said, mut words, mut sum, mut loops) = (Vec::new(), Vec::new(), 0.0, false);
        loop {
            self.rules.apply(&said, &mut logits);
            let token = choose(&logits, temperature, &mut chance);
            sum += logit(&logits, token) - log_sum_exp(&logits);
            if token == self.tokens.end {
                break;
            }
            said.push(token);
            if token < self.tokens.end {
                words.push(token);
                loops = repeats(&words);
            }
            if loops || said.len() == LONGEST {
                break;
            }
            logits = say(token)?;
        }
        let likely = sum / (said.len() + 1) as f32;
        Ok(Try {
            said,
            likely,
            loops,
            no_speech,
        })
    }
}

/// The likeliest token, or one drawn by chance where there is a temperature.
fn choose(logits: &[f32], temperature: f32, chance: &mut ChaCha8Rng) -> u32 {
    // Gumbel's trick: the largest of logits with such noise is a draw from their distribution.
    let mut noisy = |logit: f32| match temperature {
        0.0 => logit,
        _ if logit == f32::NEG_INFINITY => logit,
        _ => logit / temperature - (-chance.random::<f32>().max(f32::MIN_POSITIVE).ln()).ln(),
    };
    let mut best = (f32::NEG_INFINITY, 0);
    for (token, &logit) in (0..).zip(logits) {
        let score = noisy(logit);
        if score > best.0 {
            best = (score, token);
        }
    }
    best.1
}

/// Whether the last words are the same few again and again.
fn repeats(words: &[u32]) -> bool {
    (1..=32).any(|period| {
        let times = if period < 8 {
            (16usize).div_ceil(period).max(4)
        } else {
            3
        };
        let Some(start) = words.len().checked_sub(period * times) else {
            return false;
        };
        let tail = &words[start..];
        tail[period..] == tail[..tail.len() - period]
    })
}

fn logit(logits: &[f32], token: u32) -> f32 {
    logits.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY)
}

#[cfg(test)]
mod tests {
    use super::super::rules::tests::tokens;
    use super::*;

    /// A model that says `script`, token by token, and thinks each by `lead` more likely than all others.
    fn say(script: &[u32], lead: f32) -> impl FnMut(u32) -> Result<Vec<f32>> {
        let mut script = script.iter();
        move |_| {
            let mut logits = vec![0.0; 200];
            logits[script.next().copied().unwrap_or(10) as usize] = lead;
            Ok(logits)
        }
    }

    fn attempt(script: &[u32], lead: f32, temperature: f32) -> Try {
        Decoder::new(&tokens())
            .attempt(temperature, say(script, lead))
            .unwrap()
    }

    #[test]
    fn a_text_is_what_the_model_says_until_its_end() {
        let told = attempt(&[20, 1, 2, 40, 10, 5], 20.0, 0.0);
        assert_eq!(told.said, [20, 1, 2, 40]);
        assert!(!told.loops && told.likely > -0.1 && told.no_speech < 0.1);
    }

    #[test]
    fn a_loop_is_noticed_before_the_longest_text() {
        let told = attempt(
            &[20].into_iter().chain([1, 2, 4].repeat(100)).collect::<Vec<_>>(),
            20.0,
            0.0,
        );
        assert!(told.loops && told.said.len() < 30, "{told:?}");
        let ends_late = attempt(
            &[20]
                .into_iter()
                .chain((0..300).map(|n| [1, 2, 4, 5][(n * n * n / 7) % 4]))
                .collect::<Vec<_>>(),
            20.0,
            0.0,
        );
        assert!(ends_late.said.len() <= LONGEST);
    }

    #[test]
    fn chance_repeats_itself() {
        let drawn = attempt(&[20, 1, 2, 40], 1.0, 0.8);
        assert_eq!(drawn, attempt(&[20, 1, 2, 40], 1.0, 0.8));
        assert_ne!(drawn.said, attempt(&[20, 1, 2, 40], 1.0, 0.0).said);
    }

    /// How many tokens are taken, and after how many tries, when all have these properties but the last, which does not loop.
    fn tried(likely: f32, loops: bool, no_speech: f32) -> (usize, usize) {
        let mut tries = 0;
        let said = Decoder::new(&tokens()).best(|temperature| {
            tries += 1;
            Ok(Try {
                said: vec![20, 1, 30],
                likely,
                loops: loops && temperature < 0.5,
                no_speech,
            })
        });
        (said.unwrap().len(), tries)
    }

    #[test]
    fn what_loops_is_tried_again_and_what_is_not_sure_is_dropped() {
        assert_eq!(tried(-0.5, false, 0.3), (3, 1));
        assert_eq!(tried(-0.5, true, 0.3), (3, 3));
        assert_eq!(tried(-1.5, false, 0.0), (0, 1));
        assert_eq!(tried(-0.5, false, 0.9), (0, 1));
        assert_eq!(tried(-0.5, false, 1.0), (0, 1));
        let long = Try {
            said: vec![1; 100],
            likely: -0.8,
            loops: false,
            no_speech: 0.7,
        };
        assert!(long.sure() > LEAST_SURE);
        let always = Decoder::new(&tokens()).best(|_| {
            Ok(Try {
                said: vec![20, 1],
                likely: -0.1,
                loops: true,
                no_speech: 0.0,
            })
        });
        assert!(always.unwrap().is_empty());
    }

    #[test]
    fn words_repeat_when_a_few_come_again_and_again() {
        assert!(repeats(&[7; 16]) && !repeats(&[7; 15]));
        assert!(repeats(&[9, 9, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]));
        assert!(!repeats(&[1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]));
        let long: Vec<u32> = (0..20).collect();
        assert!(repeats(&long.repeat(3)) && !repeats(&long.repeat(2)));
    }
}
