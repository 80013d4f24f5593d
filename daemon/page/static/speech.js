// The languages of the page. Texts are written in English in HTML and scripts; a catalogue
// (lang-fr.js, …) has them in another language, under the English text itself, so that one that
// is missing is seen in English instead of not at all. A test knows which are missing.

import { language as usual } from './usual.js';

export const LANGUAGES = { en: 'English', fr: 'Français', es: 'Español', ar: 'العربية' };

export const code = chosen();
const catalogue = code === 'en' ? {} : (await import(`./lang-${code}.js`)).default;

// What was chosen in this browser, else what the box is set to, else what the browser asks for.
function chosen() {
  const wanted = [remembered('language'), usual, ...navigator.languages.map((l) => l.slice(0, 2))];
  return wanted.find((l) => l in LANGUAGES) ?? 'en';
}

export function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // this browser keeps nothing
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // the choice holds until the page is closed
  }
}

// A text in the page's language; {name} in it stands for a value.
export function t(text, values = {}) {
  return (catalogue[text] ?? text).replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Numbers stay in the digits of the lamps, whatever the language.
const locale = code === 'en' ? 'en-GB' : `${code}-u-nu-latn-ca-gregory`;

export const clock = (time) => new Date(time).toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });

export const day = (time) => new Date(time).toLocaleString(locale, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hour12: false });

// Translates what the HTML says.
function translate() {
  document.documentElement.lang = code;
  document.documentElement.dir = code === 'ar' ? 'rtl' : 'ltr';
  document.title = t(document.title);
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (node.nodeType === Node.ELEMENT_NODE) {
      for (const name of ['aria-label', 'alt', 'title']) {
        if (node.hasAttribute(name)) node.setAttribute(name, t(node.getAttribute(name)));
      }
      continue;
    }
    const text = node.data.trim().replace(/\s+/g, ' ');
    if (text !== '' && t(text) !== text) node.data = node.data.replace(/\S[^]*\S|\S/, t(text));
  }
}

// The choice of language, where the page has room for one.
function offer() {
  const select = document.getElementById('language');
  if (!select) return;
  for (const [name, title] of Object.entries(LANGUAGES)) {
    const option = new Option(title, name, name === code, name === code);
    option.lang = name;
    select.add(option);
  }
  select.addEventListener('change', () => {
    remember('language', select.value);
    location.reload();
  });
}

translate();
offer();
