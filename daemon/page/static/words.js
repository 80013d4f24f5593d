// What the page says about results and states.

import { t } from './speech.js';

const NETS = { googlenet: 'GoogLeNet', resnet50: 'ResNet-50', vgg19: 'VGG-19' };

export function netName(net) {
  return NETS[net] ?? net;
}

function percent(p) {
  return `${Math.round(100 * p)}\u00a0%`;
}

function agreement(result) {
  // With hyphens that do not break: "ResNet-" at the end of a line reads badly.
  const agree = result.votes.filter((v) => v.score === result.score).map((v) => netName(v.net).replaceAll('-', '\u2011'));
  if (agree.length === 2) return t('{a} and {b} agree', { a: agree[0], b: agree[1] });
  if (agree.length > 2) return t('All three nets agree');
  return t('The majority agrees');
}

// Title and explanation of a fresh result.
export function ofResult(result) {
  const sure = { p: percent(result.confidence) };
  switch (result.reason) {
    case 'majority':
      return [t('Lung score, this frame'), t('{agreement}, confidence\u00a0{p}', { agreement: agreement(result), ...sure })];
    case 'confidence':
      return [t('Lung score, this frame'), t('The nets differ; the surest decides, confidence\u00a0{p}', sure)];
    case 'no-consensus':
      return [t('No consensus'), t('The nets differ and none is sure')];
    case 'poor-image':
      return [t('Poor image'), t('Too dark or too faint to score')];
    case 'not-lung':
      return [t('No lung picture'), t('This frame holds no ultrasound picture')];
    case 'frozen':
      return [t('Frozen'), t('The picture has stopped moving')];
    case 'engine':
      return [t('Engine fault'), t('This frame could not be scored')];
  }
  return [t('No score'), result.reason];
}

const STATES = {
  starting: t('Starting'),
  'no-signal': t('No signal'),
  ended: t('Replay ended'),
  fault: t('Fault'),
};

// Title and explanation of a state without a result.
export function ofState(state, detail) {
  return [STATES[state] ?? t('No live data'), sentence(t(detail))];
}

export function sentence(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : '';
}

// Why a net has no vote on this result.
export function noVote(result) {
  if (!result) return '';
  return result.reason === 'majority' ? t('not needed') : t('not run');
}

const PANEL = {
  'no-consensus': t('no consensus'),
  'poor-image': t('poor image'),
  'not-lung': t('no lung picture'),
  frozen: t('picture frozen'),
  stale: t('dark, no fresh score'),
  'no-signal': t('dark, no signal'),
  fault: t('dark, fault'),
  updating: t('dark, updating'),
  'lamp-test': t('test'),
};

// How many lines image analysis found.
export function ofSigns(signs) {
  const counts = { a: signs.a_lines?.length ?? 0, b: signs.b_lines?.length ?? 0 };
  return signs.pleura?.length
    ? t('Image analysis, not the nets: pleural line, A-lines: {a}, B-lines: {b}', counts)
    : t('Image analysis, not the nets: no pleural line, A-lines: {a}, B-lines: {b}', counts);
}

// What the panel is doing, in a few words.
export function ofPanel(panel) {
  if (panel.error) return sentence(panel.error);
  if (panel.state !== 'scoring') return t('Lamps: {what}', { what: PANEL[panel.state] ?? panel.state });
  return panel.score === null ? t('Lamps: frames do not agree yet') : t('Lamps: what frames in a row agree on');
}
