module lungbox

go 1.26
