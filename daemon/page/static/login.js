// Sends the password and goes on to the page.

import './looks.js';
import { t } from './speech.js';

const form = document.getElementById('login');
const wrong = document.getElementById('wrong');

form.addEventListener('submit', async (e) => {
  e.preventDefault();
  wrong.hidden = true;
  let problem;
  try {
    const answer = await fetch('/api/login', { method: 'POST', body: JSON.stringify({ password: form.password.value }) });
    if (answer.ok) {
      location.replace('/');
      return;
    }
    problem = t((await answer.text()).trim());
  } catch {
    problem = t('The box does not answer');
  }
  wrong.textContent = problem;
  wrong.hidden = false;
  form.password.select();
});
