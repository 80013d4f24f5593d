// What the page says about results and states.

const TITLE = 'Lung score, this frame';

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
  if (agree.length === 2) return `${agree[0]} and ${agree[1]} agree`;
  if (agree.length > 2) return `All ${agree.length} nets agree`;
  return 'The majority agrees';
}

// Title and explanation of a fresh result.
export function ofResult(result) {
  switch (result.reason) {
    case 'majority':
      return [TITLE, `${agreement(result)}, confidence\u00a0${percent(result.confidence)}`];
    case 'confidence':
      return [TITLE, `The nets differ; the surest decides, confidence\u00a0${percent(result.confidence)}`];
    case 'no-consensus':
      return ['No consensus', 'The nets differ and none is sure'];
    case 'poor-image':
      return ['Poor image', 'Too dark or too faint to score'];
    case 'not-lung':
      return ['No lung picture', 'This frame holds no ultrasound picture'];
    case 'frozen':
      return ['Frozen', 'The picture has stopped moving'];
    case 'engine':
      return ['Engine fault', 'This frame could not be scored'];
  }
  return ['No score', result.reason];
}

const STATES = {
  starting: 'Starting',
  'no-signal': 'No signal',
  ended: 'Replay ended',
  fault: 'Fault',
};

// Title and explanation of a state without a result.
export function ofState(state, detail) {
  return [STATES[state] ?? 'No live data', sentence(detail)];
}

export function sentence(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : '';
}

// Why a net has no vote on this result.
export function noVote(result) {
  if (!result) return '';
  return result.reason === 'majority' ? 'not needed' : 'not run';
}

const PANEL = {
  'no-consensus': 'no consensus',
  'poor-image': 'poor image',
  'not-lung': 'no lung picture',
  frozen: 'picture frozen',
  stale: 'dark, no fresh score',
  'no-signal': 'dark, no signal',
  fault: 'dark, fault',
  updating: 'dark, updating',
  'lamp-test': 'test',
};

// How many lines image analysis found.
export function ofSigns(signs) {
  const some = (n, what) => `${n === 0 ? 'no' : n} ${what}${n === 1 ? '' : 's'}`;
  const pleura = signs.pleura?.length ? 'pleural line' : 'no pleural line';
  return `Image analysis, not the nets: ${pleura}, ${some(signs.a_lines?.length ?? 0, 'A-line')}, ${some(signs.b_lines?.length ?? 0, 'B-line')}`;
}

// What the panel is doing, in a few words.
export function ofPanel(panel) {
  if (panel.error) return sentence(panel.error);
  if (panel.state !== 'scoring') return `Lamps: ${PANEL[panel.state] ?? panel.state}`;
  return panel.score === null ? 'Lamps: frames do not agree yet' : 'Lamps: what frames in a row agree on';
}
